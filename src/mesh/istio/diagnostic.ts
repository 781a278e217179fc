import type { ObjectKey } from '../model/index.ts'
import type { Path } from './path.ts'

/** Stable: scripts compare them. Each is a row of docs/analyze.md. */
export const diagnosticCodes = [
  ...(['UnknownField', 'UnsupportedField', 'MissingField', 'InvalidValue', 'InvalidRegex', 'ZeroWeights'] as const),
  ...(['UnknownVersion', 'UnsupportedKind', 'DuplicateObject', 'DuplicateName'] as const),
  ...(['HostConflict', 'SidecarConflict', 'GatewayConflict', 'PolicyConflict', 'PortConflict', 'TlsConflict'] as const),
  ...(['HostNotFound', 'PortNotFound', 'PortRequired', 'SubsetNotFound', 'GatewayNotFound'] as const),
  ...(['NotBoundToGateway', 'HostNotServed', 'ProtocolMismatch', 'PortWithoutProtocol', 'AddressesRequired'] as const),
  ...(['UnreachableRoute', 'IneffectiveMatch', 'EmptyMatch', 'IdleDestination', 'IdleFault', 'IdleRetries'] as const),
  ...(['SelectsNothing', 'WrongPort', 'IdlePolicy', 'DeniesEverything', 'TokenNotRequired', 'PrincipalForm'] as const),
  ...(['NotInjected', 'ProxyUser', 'UnknownAnnotation', 'MisplacedAnnotation', 'NotRead'] as const),
] as const

export type DiagnosticCode = (typeof diagnosticCodes)[number]

export interface Diagnostic {
  /** `error`: requests will not go where the object says. `warning`: probably a mistake. `info`: good to know. */
  readonly severity: 'error' | 'warning' | 'info'
  readonly code: DiagnosticCode
  readonly object: ObjectKey
  readonly path: Path
  /** What is wrong, and what to do. */
  readonly message: string
  /** Where only one thing can have been meant. */
  readonly fix?: Fix
}

/** The last part of the path gets another name, or what is there another value. */
export type Fix =
  | { readonly kind: 'rename'; readonly to: string }
  | { readonly kind: 'replace'; readonly value: string | number | boolean | readonly unknown[] }
