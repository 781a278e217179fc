import { create } from '@bufbuild/protobuf'
import type { TcpRoute } from '../model/index.ts'
import {
  type AccessLog,
  HashPolicySourceIpSchema,
  TcpHashPolicySchema,
  TcpProxySchema,
  UpstreamConnectMode,
} from './api.ts'
import { blackHoleCluster } from './cluster.ts'
import { duration, extension } from './messages.ts'

export interface TcpProxyOptions {
  readonly statPrefix: string
  readonly route: TcpRoute
  readonly accessLog: readonly AccessLog[]
  /** Nobody is connected to before the other side has shown who it is. */
  readonly awaitsHandshake?: boolean
}

/** How much is kept of what comes before there is somebody to hand it to. */
const EARLY_DATA_BYTES = 64 * 1024

/** Hands bytes on as they come. */
export const tcpProxy = ({ statPrefix, route, accessLog, awaitsHandshake = false }: TcpProxyOptions) =>
  extension('envoy.filters.network.tcp_proxy', TcpProxySchema, {
    statPrefix,
    clusterSpecifier: clusterSpecifier(route),
    accessLog: [...accessLog],
    // Connections that stay open are counted from their start.
    accessLogOptions: { flushAccessLogOnConnected: true },
    ...(awaitsHandshake
      ? {
          upstreamConnectMode: UpstreamConnectMode.ON_DOWNSTREAM_TLS_HANDSHAKE,
          maxEarlyDataBytes: EARLY_DATA_BYTES,
        }
      : {}),
    ...(route.idleTimeoutMs === undefined ? {} : { idleTimeout: duration(route.idleTimeoutMs) }),
    ...(route.maxDurationMs === undefined ? {} : { maxDownstreamConnectionDuration: duration(route.maxDurationMs) }),
    ...(route.hashesSourceAddress === true ? { hashPolicy: [sourceAddress()] } : {}),
  })

export const tcpClustersOf = ({ clusters }: TcpRoute): readonly string[] =>
  clusters.map(({ cluster }) => cluster ?? blackHoleCluster)

function clusterSpecifier({ clusters }: TcpRoute) {
  const [only, ...others] = clusters
  if (only !== undefined && others.length === 0) {
    return { case: 'cluster' as const, value: only.cluster ?? blackHoleCluster }
  }
  const weights = clusters
    .filter(({ weight }) => weight > 0)
    .map(({ cluster, weight }) => ({ name: cluster ?? blackHoleCluster, weight }))
  return create(TcpProxySchema, { clusterSpecifier: { case: 'weightedClusters', value: { clusters: weights } } })
    .clusterSpecifier
}

const sourceAddress = () =>
  create(TcpHashPolicySchema, { policySpecifier: { case: 'sourceIp', value: create(HashPolicySourceIpSchema) } })
