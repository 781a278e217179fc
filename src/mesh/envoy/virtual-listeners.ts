import type { MessageInitShape } from '@bufbuild/protobuf'
import {
  type InboundListener,
  type Interception,
  type MeshProxy,
  passthroughCluster,
  trustDomain,
} from '../model/index.ts'
import {
  type FilterChainSchema,
  type ListenerFilterSchema,
  ListenerSchema,
  OriginalDstSchema,
  TlsInspectorSchema,
  TrafficDirection,
} from './api.ts'
import { tcpAuthorization } from './authorization.ts'
import { blackHoleCluster, inboundClusterName } from './cluster.ts'
import { metadataNamespace } from './formats.ts'
import { type InboundChain, inboundChains } from './inbound.ts'
import { inboundPassthroughCluster, SNIFF_MS } from './interception.ts'
import { duration, encode, extension, socketAddress } from './messages.ts'
import type { EnvoyResource } from './resource.ts'
import type { SideObservability } from './side-telemetry.ts'
import { tcpProxy } from './tcp-proxy.ts'
import { listenerMetadata } from './telemetry.ts'
import { meshDownstreamTls, meshProtocol } from './tls.ts'

type FilterChain = MessageInitShape<typeof FilterChainSchema>
type ListenerFilter = MessageInitShape<typeof ListenerFilterSchema>

/** Where the rules of an intercepted pod lead what goes out, and what comes in. Istio's numbers and names. */
const outboundPort = 15_001
const inboundPort = 15_006
const anywhere = '0.0.0.0'

/** Takes what goes out and hands it to the listener of where it goes; what has none goes there, or nowhere. */
export function renderVirtualOutbound({ unknownHosts }: Interception): EnvoyResource {
  const name = 'virtualOutbound'
  const cluster = unknownHosts === 'refuse' ? blackHoleCluster : passthroughCluster
  const message = encode(ListenerSchema, {
    name,
    address: socketAddress({ address: anywhere, port: outboundPort }),
    trafficDirection: TrafficDirection.OUTBOUND,
    enableReusePort: false,
    useOriginalDst: true,
    filterChains: [toItself(outboundPort), { name: 'unknown', filters: [toCluster(cluster)] }],
  })
  return { type: 'listener', name, message, clusters: [cluster, blackHoleCluster], needs: [] }
}

const toCluster = (cluster: string, awaitsHandshake = false) =>
  tcpProxy({ statPrefix: cluster, route: { clusters: [{ cluster, weight: 1 }] }, accessLog: [], awaitsHandshake })

/** Who asks the proxy itself would be sent to it again, and again. */
const toItself = (port: number): FilterChain => ({
  name: 'loop',
  filterChainMatch: { destinationPort: port },
  filters: [toCluster(blackHoleCluster)],
})

/** Istio's name. */
export const virtualInboundName = 'virtualInbound'

/** Takes what comes in, by the port that it came for. */
export function renderVirtualInbound(
  proxy: MeshProxy,
  { otherPorts }: Interception,
  observability: SideObservability,
): EnvoyResource {
  const name = virtualInboundName
  const ports = proxy.inbound.flatMap((listener) =>
    inboundChains(proxy, listener, observability).map((chain) => forPort(listener.bind.port, chain)),
  )
  const message = encode(ListenerSchema, {
    name,
    address: socketAddress({ address: anywhere, port: inboundPort }),
    trafficDirection: TrafficDirection.INBOUND,
    enableReusePort: false,
    metadata: { filterMetadata: { [metadataNamespace]: listenerMetadata(undefined) } },
    listenerFilters: [
      extension('envoy.filters.listener.original_dst', OriginalDstSchema, {}),
      {
        ...extension('envoy.filters.listener.tls_inspector', TlsInspectorSchema, {}),
        // Whoever is not asked for TLS need not wait until it is clear that he speaks none.
        ...without(proxy.inbound.filter(({ mutualTls }) => mutualTls === 'disable')),
      },
    ],
    listenerFiltersTimeout: duration(SNIFF_MS),
    continueOnListenerFiltersTimeout: true,
    filterChains: [toItself(inboundPort), ...ports, ...otherChains(proxy, otherPorts)],
  })
  const clusters = [...proxy.inbound.map(inboundClusterName), inboundPassthroughCluster, blackHoleCluster]
  return { type: 'listener', name, message, clusters, needs: [] }
}

const forPort = (port: number, { name = '', filterChainMatch, ...rest }: InboundChain): FilterChain => ({
  ...rest,
  name: `${port}|${name}`,
  filterChainMatch: { ...filterChainMatch, destinationPort: port },
})

function without(listeners: readonly InboundListener[]): Pick<ListenerFilter, 'filterDisabled'> {
  const rules = listeners.map(({ bind: { port } }) => ({
    rule: { case: 'destinationPortRange' as const, value: { start: port, end: port + 1 } },
  }))
  const [first] = rules
  if (first === undefined) return {}
  return { filterDisabled: rules.length === 1 ? first : { rule: { case: 'orMatch', value: { rules } } } }
}

/** Ports that neither a Service nor a container names. */
function otherChains({ security }: MeshProxy, mutualTls: Interception['otherPorts']): FilterChain[] {
  const name = inboundPassthroughCluster
  const filters = (isProven: boolean) => [
    ...tcpAuthorization(security?.authorization ?? [], name),
    toCluster(name, isProven),
  ]
  const mesh: FilterChain = {
    name: 'other|mesh',
    filterChainMatch: { transportProtocol: 'tls', applicationProtocols: [meshProtocol] },
    transportSocket: meshDownstreamTls(trustDomain, []),
    filters: filters(true),
  }
  if (mutualTls === 'strict') return [mesh]
  const plain: FilterChain = { name: 'other|plain', filters: filters(false) }
  return mutualTls === 'disable' ? [plain] : [mesh, plain]
}
