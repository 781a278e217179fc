import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Cluster, ConnectionPool, InboundListener, Protocol, TcpKeepalive } from '../model/index.ts'
import { type CircuitBreakersSchema, Cluster_DiscoveryType, ClusterSchema, HttpProtocolOptionsSchema } from './api.ts'
import { namesByRequest } from './client-tls.ts'
import { clientTransport } from './client-transport.ts'
import { hasOwnEndpoints, renderDiscovery } from './discovery.ts'
import { metadataNamespace } from './formats.ts'
import { renderHealthChecks } from './health-check.ts'
import { interceptionExempt } from './interception.ts'
import { renderLoadBalancing } from './load-balancing.ts'
import { duration, encode, pack, pipe, socketAddress } from './messages.ts'
import { renderOutlierDetection } from './outlier-detection.ts'
import type { EnvoyResource } from './resource.ts'
import { serviceMetadata } from './telemetry.ts'

/** Answers 503: it stands where a destination does not exist. Istio's name. */
export const blackHoleCluster = 'BlackHoleCluster'

const UNLIMITED = 0xffff_ffff

/** Envoy's own limits (1024 requests, 3 retries) would drop requests that nobody wanted limited. */
export const circuitBreakers = (pool: ConnectionPool = {}): MessageInitShape<typeof CircuitBreakersSchema> => ({
  thresholds: [
    {
      maxConnections: pool.maxConnections ?? UNLIMITED,
      maxPendingRequests: pool.maxPendingRequests ?? UNLIMITED,
      maxRequests: pool.maxRequests ?? UNLIMITED,
      maxRetries: pool.maxRetries ?? UNLIMITED,
      trackRemaining: true,
    },
  ],
})

export function renderCluster(cluster: Cluster): EnvoyResource {
  const message = encode(ClusterSchema, {
    name: cluster.name,
    connectTimeout: duration(cluster.connectionPool?.connectTimeoutMs ?? 10_000),
    ...renderLoadBalancing(cluster),
    ...renderDiscovery(cluster),
    ...keepalive(cluster.connectionPool?.tcpKeepalive),
    circuitBreakers: circuitBreakers(cluster.connectionPool),
    ...renderHealthChecks(cluster),
    ...(cluster.outlierDetection === undefined ? {} : renderOutlierDetection(cluster.outlierDetection)),
    metadata: { filterMetadata: { [metadataNamespace]: serviceMetadata(cluster.service) } },
    typedExtensionProtocolOptions: protocolOptions(cluster.protocol, cluster.connectionPool, namesByRequest(cluster)),
    ...clientTransport(cluster),
  })
  return {
    type: 'cluster',
    name: cluster.name,
    message,
    clusters: [],
    needs: hasOwnEndpoints(cluster) ? [cluster.name] : [],
  }
}

/** Envoy counts in whole seconds. */
const keepalive = (
  settings: TcpKeepalive | undefined,
): Pick<MessageInitShape<typeof ClusterSchema>, 'upstreamConnectionOptions'> => {
  if (settings === undefined) return {}
  const { probes, idleMs, intervalMs } = settings
  const seconds = (milliseconds: number) => Math.max(1, Math.round(milliseconds / 1_000))
  return {
    upstreamConnectionOptions: {
      tcpKeepalive: {
        ...(probes === undefined ? {} : { keepaliveProbes: probes }),
        ...(idleMs === undefined ? {} : { keepaliveTime: seconds(idleMs) }),
        ...(intervalMs === undefined ? {} : { keepaliveInterval: seconds(intervalMs) }),
      },
    },
  }
}

export const inboundClusterName = ({ bind }: Pick<InboundListener, 'bind'>): string => `inbound|${bind.port}||`

export function renderInboundCluster(listener: InboundListener, isIntercepted: boolean): EnvoyResource {
  const name = inboundClusterName(listener)
  const { application } = listener
  const isFile = 'path' in application
  const endpoint = { address: isFile ? pipe(application) : socketAddress(application) }
  const message = encode(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
    connectTimeout: duration(10_000),
    circuitBreakers: circuitBreakers(),
    // Who connects to a file has no address.
    ...(isIntercepted && !isFile ? interceptionExempt : {}),
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: endpoint } }] }],
    },
    // Servers close idle connections too (Node after 5 s): whoever is second loses a request.
    typedExtensionProtocolOptions: protocolOptions(listener.protocol, { idleTimeoutMs: 2_000 }),
  })
  return { type: 'cluster', name, message, clusters: [], needs: [] }
}

export function renderBlackHole(): EnvoyResource {
  const message = encode(ClusterSchema, {
    name: blackHoleCluster,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
    connectTimeout: duration(10_000),
  })
  return { type: 'cluster', name: blackHoleCluster, message, clusters: [], needs: [] }
}

function protocolOptions(
  protocol: Protocol,
  pool: ConnectionPool = {},
  names: ReturnType<typeof namesByRequest> = {},
): Record<string, Any> {
  if (protocol === 'tcp') return {}
  const options = pack(HttpProtocolOptionsSchema, {
    ...names,
    ...commonOptions(pool),
    upstreamProtocolOptions: {
      case: 'explicitHttpConfig',
      value: {
        protocolConfig:
          protocol === 'http2'
            ? { case: 'http2ProtocolOptions' as const, value: http2Options(pool) }
            : { case: 'httpProtocolOptions' as const, value: {} },
      },
    },
  })
  return { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': options }
}

type Options = MessageInitShape<typeof HttpProtocolOptionsSchema>

function commonOptions({
  idleTimeoutMs,
  maxRequestsPerConnection,
  maxConnectionDurationMs,
}: ConnectionPool): Pick<Options, 'commonHttpProtocolOptions'> {
  if ([idleTimeoutMs, maxRequestsPerConnection, maxConnectionDurationMs].every((limit) => limit === undefined))
    return {}
  return {
    commonHttpProtocolOptions: {
      ...(idleTimeoutMs === undefined ? {} : { idleTimeout: duration(idleTimeoutMs) }),
      ...(maxRequestsPerConnection === undefined ? {} : { maxRequestsPerConnection }),
      ...(maxConnectionDurationMs === undefined ? {} : { maxConnectionDuration: duration(maxConnectionDurationMs) }),
    },
  }
}

/** Envoy refuses a keep-alive without a time limit, and asks never without an interval. */
const http2Options = ({ maxConcurrentStreams, http2KeepAlive }: ConnectionPool) => ({
  ...(maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams }),
  ...(http2KeepAlive === undefined
    ? {}
    : {
        connectionKeepalive: {
          interval: duration(http2KeepAlive.intervalMs ?? 30_000),
          timeout: duration(http2KeepAlive.timeoutMs ?? 20_000),
        },
      }),
})
