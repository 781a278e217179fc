import type { z } from 'zod'
import type { ObjectKey } from '../model/index.ts'
import type { Diagnostic, DiagnosticCode, Fix } from './diagnostic.ts'
import { fieldsOf, objectKeyOf } from './fields.ts'
import { healthCheckAnnotation, healthCheckIssues, healthCheckTextOf } from './health-check.ts'
import { nearest } from './nearest.ts'
import type { Path } from './path.ts'
import { specIssues } from './read-spec.ts'
import { destinationRuleSpec, virtualServiceSpec } from './supported.ts'
import { gatewaySpec } from './supported-gateway.ts'
import { authorizationPolicySpec, peerAuthenticationSpec, requestAuthenticationSpec } from './supported-security.ts'
import { serviceEntrySpec, workloadEntrySpec } from './supported-service-entry.ts'
import { sidecarSpec } from './supported-sidecar.ts'
import { telemetrySpec } from './supported-telemetry.ts'

/** What is wrong with one object, whatever else there is. Objects of kinds that the mesh does not read pass. */
export function checkObject(object: unknown): readonly Diagnostic[] {
  const { apiVersion, kind } = fieldsOf(object)
  const isService = kind === 'Service' && apiVersion === 'v1'
  return isService ? checkAnnotations(object, objectKeyOf(object)) : checkSpec(object)
}

function checkSpec(object: unknown): readonly Diagnostic[] {
  const { apiVersion, kind, spec } = fieldsOf(object)
  const known = typeof kind === 'string' ? checkedKinds.get(kind) : undefined
  const key = objectKeyOf(object)
  if (known === undefined) return groups.has(groupOf(apiVersion)) ? [unsupportedKind(key)] : []
  if (isForeign(apiVersion)) return []
  const error = (code: DiagnosticCode, path: Diagnostic['path'], message: string, fix?: Fix): Diagnostic => ({
    severity: 'error',
    code,
    object: key,
    path,
    message,
    ...(fix === undefined ? {} : { fix }),
  })
  const versions = known.versions.map((version) => `${known.group}/${version}`)
  return [
    ...(apiVersion === undefined ? [error('MissingField', ['apiVersion'], `must be ${versions[0]}`)] : []),
    ...(typeof apiVersion === 'string' && !versions.includes(apiVersion)
      ? [error('UnknownVersion', ['apiVersion'], `must be one of ${versions.join(', ')} for a ${key.kind}`)]
      : []),
    ...(fieldsOf(fieldsOf(object).metadata).name === undefined
      ? [error('MissingField', ['metadata', 'name'], 'must be given')]
      : []),
    ...(spec === undefined && known.group === networking.group
      ? [error('MissingField', ['spec'], 'must be given')]
      : specIssues(known.schema, spec).map((issue) =>
          error(issue.code, ['spec', ...issue.path], hintFor(issue.path) ?? issue.message, issue.fix),
        )),
  ]
}

/** Of a Service only what is said to the mesh. */
function checkAnnotations(service: unknown, object: ObjectKey): readonly Diagnostic[] {
  return healthCheckIssues(healthCheckTextOf(service) ?? undefined).map(({ code, path, message }) => {
    const within = path.length === 0 ? '' : `${path.join('.')}: `
    const place = ['metadata', 'annotations', healthCheckAnnotation]
    return { severity: 'error', code, object, path: place, message: `${within}${message}` }
  })
}

interface Kind {
  readonly group: string
  readonly versions: readonly string[]
  readonly schema: z.ZodType
}

const networking = { group: 'networking.istio.io', versions: ['v1', 'v1beta1', 'v1alpha3'] }
const security = { group: 'security.istio.io', versions: ['v1', 'v1beta1'] }
const telemetry = { group: 'telemetry.istio.io', versions: ['v1', 'v1alpha1'] }

/** Istio's groups that have objects for the mesh; the last are of versions that are long gone. */
const groups: ReadonlySet<string> = new Set(
  ['networking', 'security', 'telemetry', 'extensions', 'authentication', 'rbac', 'config'].map(
    (name) => `${name}.istio.io`,
  ),
)

const groupOf = (apiVersion: unknown): string => String(apiVersion).split('/')[0] ?? ''

const unsupportedKind = (object: ObjectKey): Diagnostic => {
  const near = nearest(object.kind, [...checkedKinds.keys()])
  const instead = insteadOf[object.kind] ?? (near && `did you mean ${near}?`) ?? 'take the object out'
  const message = `this mesh carries out nothing of the kind ${object.kind || '(none)'}: ${instead}`
  return { severity: 'error', code: 'UnsupportedKind', object, path: ['kind'], message }
}

const policiesOfToday = 'write a PeerAuthentication for TLS between workloads and a RequestAuthentication for tokens'

const insteadOf: Readonly<Partial<Record<string, string>>> = {
  WorkloadGroup: 'write a WorkloadEntry for each process',
  ProxyConfig: 'annotate pods for settings of their own proxy',
  EnvoyFilter: 'say it by the other kinds; proxies take no settings that bypass them',
  WasmPlugin: 'proxies run no extensions; do it in the program or in a Service of its own',
  TrafficExtension: 'proxies run no extensions; do it in the program or in a Service of its own',
  Policy: policiesOfToday,
  MeshPolicy: policiesOfToday,
  ServiceRole: 'write an AuthorizationPolicy',
  ServiceRoleBinding: 'write an AuthorizationPolicy',
  ClusterRbacConfig: 'write an AuthorizationPolicy',
}

/** The kinds that are checked. */
export const checkedKinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['VirtualService', { ...networking, schema: virtualServiceSpec }],
  ['DestinationRule', { ...networking, schema: destinationRuleSpec }],
  ['Gateway', { ...networking, schema: gatewaySpec }],
  ['Sidecar', { ...networking, schema: sidecarSpec }],
  ['ServiceEntry', { ...networking, schema: serviceEntrySpec }],
  ['WorkloadEntry', { ...networking, schema: workloadEntrySpec }],
  ['PeerAuthentication', { ...security, schema: peerAuthenticationSpec }],
  ['AuthorizationPolicy', { ...security, schema: authorizationPolicySpec }],
  ['RequestAuthentication', { ...security, schema: requestAuthenticationSpec }],
  ['Telemetry', { ...telemetry, schema: telemetrySpec }],
])

/** A kind of the same name in a group that is none of Istio's, as Gateway of gateway.networking.k8s.io. */
const isForeign = (apiVersion: unknown): boolean =>
  typeof apiVersion === 'string' && apiVersion.includes('/') && !groups.has(groupOf(apiVersion))

/** Mistakes that are common enough to be answered with the right place. */
function hintFor(path: Path): string | undefined {
  const [list, index, parent, field] = path
  return list === 'servers' && parent === 'port' && field === 'host'
    ? `there is no such field: write the host into the list spec.servers[${index}].hosts`
    : undefined
}
