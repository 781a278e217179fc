import type { ObjectKey } from './finding.ts'
import type { HashKey } from './traffic-policy.ts'

export type TextMatch =
  | { readonly kind: 'exact' | 'prefix' | 'regex'; readonly value: string }
  | { readonly kind: 'present' }

export interface NameMatch {
  readonly name: string
  readonly match: TextMatch
  readonly invert?: boolean
}

/** All of it must hold. `:method`, `:authority` and `:scheme` are headers here. */
export interface RouteMatch {
  readonly path?: TextMatch
  readonly ignorePathCase?: boolean
  readonly headers: readonly NameMatch[]
  readonly queryParameters: readonly NameMatch[]
}

export interface Header {
  readonly name: string
  readonly value: string
}

export interface HeaderEdits {
  /** In the place of every value that is there. */
  readonly set: readonly Header[]
  /** Beside the values that are there. */
  readonly add: readonly Header[]
  readonly remove: readonly string[]
}

export interface MessageEdits {
  readonly request?: HeaderEdits
  readonly response?: HeaderEdits
}

export interface Rewrite {
  /** Takes the place of the prefix that matched (of all of an exact or regex match), or of what a pattern finds. */
  readonly path?:
    | { readonly kind: 'matched'; readonly value: string }
    | { readonly kind: 'regex'; readonly pattern: string; readonly substitution: string }
  readonly authority?: string
}

export interface WeightedCluster {
  /** Undefined when the destination does not exist: its share is answered with 503. */
  readonly cluster: string | undefined
  readonly weight: number
  readonly headers?: MessageEdits
}

export interface Mirror {
  readonly cluster: string | undefined
  /** 0..100, fractions allowed. */
  readonly percent: number
}

export interface Retries {
  /** Repeats after the first try. */
  readonly attempts: number
  readonly perTryTimeoutMs?: number
  readonly retryOn: readonly string[]
  readonly statusCodes: readonly number[]
  /** Every second try leaves the localities that were tried. */
  readonly remoteLocalities?: boolean
  /** Before the first repeat; the next wait longer, ten times as long at most. */
  readonly backOffMs?: number
  /** Endpoints that were tried are no worse than others. */
  readonly mayAskSameHost?: boolean
}

/** Done before a request is sent anywhere; each share is drawn on its own. Percentages are 0..100, fractions allowed. */
export interface Fault {
  readonly delay?: { readonly percent: number; readonly durationMs: number }
  readonly abort?: { readonly percent: number } & ({ readonly status: number } | { readonly grpcStatus: number })
}

/** What browsers may do from pages of other origins. */
export interface Cors {
  readonly allowOrigins: readonly TextMatch[]
  readonly allowMethods: readonly string[]
  readonly allowHeaders: readonly string[]
  readonly exposeHeaders: readonly string[]
  readonly maxAgeMs?: number
  readonly allowCredentials: boolean
  /** Preflights of other origins are answered here and not by the application. */
  readonly keepsUnmatchedPreflights?: true
}

/** What a proxy says by itself; the parts of a redirect that are absent stay as they were asked. */
export type Answer =
  | {
      readonly kind: 'redirect'
      readonly status: 301 | 302 | 303 | 307 | 308
      readonly scheme?: string
      readonly authority?: string
      readonly port?: number
      readonly path?: string
    }
  | { readonly kind: 'direct'; readonly status: number; readonly body?: string }

export interface Route {
  readonly name: string
  /** The object it comes from; absent for a Service's own route. */
  readonly origin?: ObjectKey
  readonly match: RouteMatch
  /** Weights are relative; their sum is above 0. Empty where the proxy answers by itself. */
  readonly clusters: readonly WeightedCluster[]
  readonly answer?: Answer
  readonly mirrors?: readonly Mirror[]
  /** Absent means no limit. */
  readonly timeoutMs?: number
  readonly retries?: Retries
  /** Of destinations whose endpoints are chosen by hash. */
  readonly hashKeys?: readonly HashKey[]
  readonly fault?: Fault
  readonly headers?: MessageEdits
  readonly rewrite?: Rewrite
  readonly cors?: Cors
}

/** Where connections go whose bytes are not read. */
export interface TcpRoute {
  /** The object it comes from; absent for a Service's own route. */
  readonly origin?: ObjectKey
  /** Drawn for each connection. Weights are relative; their sum is above 0. */
  readonly clusters: readonly Omit<WeightedCluster, 'headers'>[]
  /** Without a byte either way; Envoy's own (1 h) when absent, no limit when 0. */
  readonly idleTimeoutMs?: number
  readonly maxDurationMs?: number
  /** Clients of one address stay with one endpoint. */
  readonly hashesSourceAddress?: boolean
}

export interface VirtualHost {
  readonly name: string
  readonly domains: readonly string[]
  /** Who asks without TLS is sent to the same address with it. */
  readonly requiresTls?: true
  /** First match wins. */
  readonly routes: readonly Route[]
}

export interface RouteTable {
  readonly name: string
  readonly virtualHosts: readonly VirtualHost[]
  readonly ignorePortInHost: boolean
  /** Proxies are brought its virtual hosts one by one, so that a change of one sends that one; some host has the domain `*`. */
  readonly hostsOneByOne?: true
}
