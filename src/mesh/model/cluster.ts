import type { ObjectKey } from './finding.ts'
import type { Locality } from './locality.ts'
import type { TrafficPolicy } from './traffic-policy.ts'
import type { Protocol, ServiceIdentity, WorkloadIdentity } from './workload.ts'

export interface Endpoint {
  readonly address: string
  readonly port: number
  readonly workload: WorkloadIdentity
  readonly locality?: Locality
  /** Its share in proportion to the others; 1 when absent. */
  readonly weight?: number
  /** Its proxy takes the mesh's TLS; false when absent. */
  readonly takesMutualTls?: boolean
}

/**
 * How the addresses of endpoints are found: they are given; names are resolved by the proxy, to all of their addresses
 * or to one at a time; requests go where they ask to go, or where their connection was going before it was intercepted,
 * and there are no endpoints.
 */
export type Resolution = 'static' | 'dns' | 'dns-one-address' | 'none' | 'original-destination'

/** How proxies look at HTTP endpoints by themselves. */
export interface HealthCheck {
  /** A path, or what gRPC's own health service knows of a service; an empty name is the server as a whole. */
  readonly asks: { readonly kind: 'http'; readonly path: string } | { readonly kind: 'grpc'; readonly service: string }
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Answers in a row after which an endpoint is used again, or no longer. */
  readonly healthyThreshold: number
  readonly unhealthyThreshold: number
}

/** One port of a Service, or of one of its subsets, and who answers there. */
export interface Cluster extends TrafficPolicy {
  readonly name: string
  readonly service: ServiceIdentity
  readonly port: number
  readonly subset?: string
  readonly protocol: Protocol
  /** `static` when absent. */
  readonly resolution?: Resolution
  readonly healthCheck?: HealthCheck
  /** SPIFFE URIs that its endpoints may show, sorted. */
  readonly identities: readonly string[]
  readonly endpoints: readonly Endpoint[]
  /** Whoever a connection was going to takes the mesh's TLS. */
  readonly leadsToMutualTls?: true
  /** The objects that say what it is and how it is treated; absent where none does. */
  readonly origins?: readonly ObjectKey[]
}

/** Leads wherever the request names, past the mesh. Istio's name. */
export const passthroughCluster = 'PassthroughCluster'

export interface ClusterKey {
  readonly host: string
  readonly port: number
  readonly subset?: string | undefined
}

/** Leads to the very pod that a connection was going to. */
export const directClusterName = ({ host, port }: ClusterKey): string => `direct|${port}||${host}`

/** Istio's convention, which its tools and users read. */
export const clusterName = ({ host, port, subset = '' }: ClusterKey): string => `outbound|${port}|${subset}|${host}`
