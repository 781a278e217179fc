import type { ClientTls } from './tls.ts'

/**
 * `passthrough`: an intercepted connection goes on to the address that it was going to; where none was intercepted
 * there is no such address, and requests are balanced as without a word.
 */
export type LoadBalancing = 'least-request' | 'round-robin' | 'random' | 'ring-hash' | 'maglev' | 'passthrough'

/** What of a request decides which endpoint gets it. A cookie with a lifetime is given to clients that have none. */
export type HashKey =
  | { readonly kind: 'header' | 'query'; readonly name: string }
  | {
      readonly kind: 'cookie'
      readonly name: string
      readonly path?: string
      readonly ttlMs?: number
      /** Of the cookie that clients are given, such as SameSite. */
      readonly attributes?: readonly { readonly name: string; readonly value: string }[]
    }
  | { readonly kind: 'source-address' }

/** For ring-hash and maglev. */
export interface ConsistentHash {
  readonly key: HashKey
  readonly minimumRingSize?: number
  readonly tableSize?: number
}

/** New endpoints get their share little by little. */
export interface WarmUp {
  readonly windowMs: number
  /** Above 0; 1 rises evenly. */
  readonly aggression?: number
  /** Of the share that it will have in the end. */
  readonly minimumPercent?: number
}

export interface TcpKeepalive {
  readonly probes?: number
  readonly idleMs?: number
  readonly intervalMs?: number
}

/** What is absent has no limit. */
export interface ConnectionPool {
  readonly maxConnections?: number
  readonly connectTimeoutMs?: number
  readonly maxPendingRequests?: number
  readonly maxRequests?: number
  readonly maxRequestsPerConnection?: number
  readonly maxRetries?: number
  readonly idleTimeoutMs?: number
  readonly tcpKeepalive?: TcpKeepalive
  /** Of a connection without a byte either way; 0 is no limit. */
  readonly tcpIdleTimeoutMs?: number
  readonly maxConnectionDurationMs?: number
  /** Requests of HTTP/1.1 go on as HTTP/2. */
  readonly upgradesToHttp2?: boolean
  /** Of one connection in HTTP/2. */
  readonly maxConcurrentStreams?: number
  /** Of connections in HTTP/2; each 30 s, for 20 s, where they are absent. */
  readonly http2KeepAlive?: { readonly intervalMs?: number; readonly timeoutMs?: number }
}

/** When an endpoint that fails is left out. What is absent is Envoy's own. */
export interface OutlierDetection {
  /** Failures in a row; 0 is never. */
  readonly consecutive5xx?: number
  readonly consecutiveGatewayErrors?: number
  /** Failures to connect in a row, counted apart from answers; 0 is never. */
  readonly consecutiveLocalOriginFailures?: number
  readonly intervalMs?: number
  readonly baseEjectionTimeMs?: number
  readonly maxEjectionPercent?: number
  /** Below this share of healthy endpoints all are used again. */
  readonly minHealthPercent: number
}

/** How a proxy treats the endpoints of a cluster. */
export interface TrafficPolicy {
  readonly loadBalancing: LoadBalancing
  readonly consistentHash?: ConsistentHash
  readonly warmUp?: WarmUp
  /** Near endpoints are no better than far ones. */
  readonly ignoresLocality?: true
  readonly connectionPool?: ConnectionPool
  readonly outlierDetection?: OutlierDetection
  /** Absent: the mesh's own towards endpoints that take it, else none. */
  readonly tls?: ClientTls
}
