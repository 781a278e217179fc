import type { ObjectKey } from './finding.ts'

/** Whether an inbound port takes the mesh's TLS only, both, or plain text only. */
export type MutualTls = 'strict' | 'permissive' | 'disable'

/** What a condition looks at. Those of the caller stand before those of the request. */
export type Attribute =
  | { readonly kind: 'principal' | 'namespace' | 'serviceAccount' | 'directIp' | 'remoteIp' }
  | { readonly kind: 'requestPrincipal' }
  /** Path of a claim in the token. */
  | { readonly kind: 'claim'; readonly path: readonly string[] }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'host' | 'method' | 'path' | 'port' | 'destinationIp' | 'sni' }

/** One of the values, if there are any, and none of the others. Values are Istio's patterns: `a`, `a*`, `*a` or `*`. */
export interface Condition {
  readonly attribute: Attribute
  readonly values: readonly string[]
  readonly notValues: readonly string[]
}

/** Any of the sources, any of the operations, and all of the rest; what is empty holds always. */
export interface AuthorizationRule {
  readonly from: readonly (readonly Condition[])[]
  readonly to: readonly (readonly Condition[])[]
  readonly when: readonly Condition[]
}

export interface AuthorizationPolicy {
  readonly origin: ObjectKey
  readonly action: 'allow' | 'deny' | 'audit'
  /** It is only counted what it would do. */
  readonly isDryRun: boolean
  /** Any of them matches. */
  readonly rules: readonly AuthorizationRule[]
}

/** The tokens of one issuer. */
export interface TokenRule {
  readonly origin: ObjectKey
  readonly issuer: string
  readonly audiences: readonly string[]
  /** JSON Web Key Set with one usable key at least. */
  readonly jwks: string
  readonly fromHeaders: readonly { readonly name: string; readonly prefix: string }[]
  readonly fromParams: readonly string[]
  readonly fromCookies: readonly string[]
  readonly forwardOriginalToken: boolean
  readonly outputPayloadToHeader?: string
  readonly outputClaimToHeaders: readonly { readonly header: string; readonly claim: string }[]
}

/** What a proxy asks of callers: a sidecar's of those of its application, a gateway of everybody. */
export interface ProxySecurity {
  readonly authorization: readonly AuthorizationPolicy[]
  readonly tokens: readonly TokenRule[]
}
