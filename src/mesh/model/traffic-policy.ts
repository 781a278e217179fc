export type LoadBalancing = 'least-request' | 'round-robin' | 'random'

/** What is absent has no limit. */
export interface ConnectionPool {
  readonly maxConnections?: number
  readonly connectTimeoutMs?: number
  readonly maxPendingRequests?: number
  readonly maxRequests?: number
  readonly maxRequestsPerConnection?: number
  readonly maxRetries?: number
  readonly idleTimeoutMs?: number
}

/** When an endpoint that fails is left out. What is absent is Envoy's own. */
export interface OutlierDetection {
  /** Failures in a row; 0 is never. */
  readonly consecutive5xx?: number
  readonly consecutiveGatewayErrors?: number
  readonly intervalMs?: number
  readonly baseEjectionTimeMs?: number
  readonly maxEjectionPercent?: number
  /** Below this share of healthy endpoints all are used again. */
  readonly minHealthPercent: number
}

/** How a proxy treats the endpoints of a cluster. */
export interface TrafficPolicy {
  readonly loadBalancing: LoadBalancing
  readonly connectionPool?: ConnectionPool
  readonly outlierDetection?: OutlierDetection
}
