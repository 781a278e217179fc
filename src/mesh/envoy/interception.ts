import { passthroughCluster } from '../model/index.ts'
import { Cluster_DiscoveryType, Cluster_LbPolicy, ClusterSchema, HttpProtocolOptionsSchema } from './api.ts'
import { metadataNamespace } from './formats.ts'
import { duration, encode, pack } from './messages.ts'
import type { EnvoyResource } from './resource.ts'
import { serviceMetadata } from './telemetry.ts'

/**
 * The address that connections to the program come from: the rules of the pod let them pass, where another of the
 * proxy's own connections to the pod would come in anew. Istio's.
 */
const exemptSource = '127.0.0.6'

/** How long a client that says nothing is waited for before it is taken for one that does not speak TLS. */
export const SNIFF_MS = 2_000

/** Fields of a cluster that leads to the program beside the proxy. */
export const interceptionExempt = {
  upstreamBindConfig: {
    sourceAddress: { address: exemptSource, portSpecifier: { case: 'portValue' as const, value: 0 } },
  },
}

/** Fields of a cluster that leads where a connection was going before it was intercepted. */
export const originalDestination = {
  clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST },
  lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
} as const

/** Leads to the program's ports that nobody names. Istio's name. */
export const inboundPassthroughCluster = 'InboundPassthroughCluster'

/** Clusters that lead where a connection was going before it was intercepted. */
export const renderOriginalDestinations = (): readonly EnvoyResource[] => [
  renderOriginalDestination(passthroughCluster, {}),
  renderOriginalDestination(inboundPassthroughCluster, interceptionExempt),
]

function renderOriginalDestination(name: string, fields: Partial<typeof interceptionExempt>): EnvoyResource {
  const http = pack(HttpProtocolOptionsSchema, {
    // What came as HTTP/2 goes on as HTTP/2.
    upstreamProtocolOptions: {
      case: 'useDownstreamProtocolConfig',
      value: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
    },
  })
  const message = encode(ClusterSchema, {
    ...fields,
    name,
    ...originalDestination,
    connectTimeout: duration(10_000),
    typedExtensionProtocolOptions: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': http },
    metadata: {
      filterMetadata: { [metadataNamespace]: serviceMetadata({ host: 'unknown', name, namespace: 'unknown' }) },
    },
  })
  return { type: 'cluster', name, message, clusters: [], needs: [] }
}
