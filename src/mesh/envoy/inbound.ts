import type { MessageInitShape } from '@bufbuild/protobuf'
import { type InboundListener, type MeshProxy, trustDomain } from '../model/index.ts'
import {
  HttpConnectionManager_ForwardClientCertDetails as ForwardClientCert,
  HttpConnectionManager_ServerHeaderTransformation,
  ListenerSchema,
  TlsInspectorSchema,
  TrafficDirection,
  type VirtualHostSchema,
} from './api.ts'
import { httpAuthorization, tcpAuthorization } from './authorization.ts'
import { inboundClusterName } from './cluster.ts'
import { connectionAccessLogs, destinationConnectionLogs } from './connection-telemetry.ts'
import { metadataNamespace } from './formats.ts'
import { SNIFF_MS } from './interception.ts'
import { httpFilter, listenerName, router } from './listener.ts'
import { duration, encode, extension, socketAddress } from './messages.ts'
import { accessLogs, tracingFields } from './observability.ts'
import { forgetPeerFilter, peerFilter } from './peer.ts'
import type { EnvoyResource } from './resource.ts'
import type { SideObservability } from './side-telemetry.ts'
import { tcpProxy } from './tcp-proxy.ts'
import { destinationLogs, listenerMetadata } from './telemetry.ts'
import { meshDownstreamTls, meshProtocol } from './tls.ts'
import { tokenFilters } from './tokens.ts'

/** A filter chain as it is made here: a plain record, whose parts others may change. */
export interface InboundChain {
  readonly name: string
  readonly filterChainMatch?: { readonly transportProtocol: string; readonly applicationProtocols?: string[] }
  readonly transportSocket?: ReturnType<typeof meshDownstreamTls>
  readonly filters: ReturnType<typeof extension>[]
}
type NetworkFilters = InboundChain['filters']

/** How a connection came in. */
type Arrival = 'mutual_tls' | 'none'

interface Place {
  readonly name: string
  readonly observability: SideObservability
}

interface ArrivalPlace extends Place {
  readonly arrival: Arrival
}

export function renderInbound(
  proxy: MeshProxy,
  listener: InboundListener,
  observability: SideObservability,
): EnvoyResource {
  const name = listenerName('inbound', listener.bind)
  const cluster = inboundClusterName(listener)
  const sniffs = listener.mutualTls !== 'disable'
  const message = encode(ListenerSchema, {
    name,
    address: socketAddress(listener.bind),
    trafficDirection: TrafficDirection.INBOUND,
    // With it two processes share an address without an error, and the kernel splits the requests.
    enableReusePort: false,
    metadata: { filterMetadata: { [metadataNamespace]: listenerMetadata(listener.service) } },
    ...(sniffs
      ? {
          listenerFilters: [extension('envoy.filters.listener.tls_inspector', TlsInspectorSchema, {})],
          listenerFiltersTimeout: duration(SNIFF_MS),
          continueOnListenerFiltersTimeout: true,
        }
      : {}),
    filterChains: filterChains(proxy, listener, { name, observability }),
  })
  return { type: 'listener', name, message, clusters: [cluster], needs: [] }
}

/** Of one port of a proxy. */
export const inboundChains = (
  proxy: MeshProxy,
  listener: InboundListener,
  observability: SideObservability,
): InboundChain[] => filterChains(proxy, listener, { name: listenerName('inbound', listener.bind), observability })

/** The chain of the mesh's TLS is the same whatever else is let in: turning the rest off disturbs nobody who uses it. */
function filterChains(proxy: MeshProxy, listener: InboundListener, place: Place): InboundChain[] {
  const filters = (arrival: Arrival) =>
    listener.protocol === 'tcp'
      ? tcpFilters(proxy, listener, { ...place, arrival })
      : [inboundHttp(proxy, listener, { ...place, arrival })]
  if (listener.mutualTls === 'disable') return [{ name: 'plain', filters: filters('none') }]
  const mesh: InboundChain = {
    name: 'mesh',
    filterChainMatch: { transportProtocol: 'tls', applicationProtocols: [meshProtocol] },
    transportSocket: meshDownstreamTls(trustDomain, listener.protocol === 'tcp' ? [] : ['h2', 'http/1.1']),
    filters: filters('mutual_tls'),
  }
  if (listener.mutualTls === 'strict') return [mesh]
  const plain: InboundChain = {
    name: 'plain',
    filterChainMatch: { transportProtocol: 'raw_buffer' },
    filters: filters('none'),
  }
  // The application may speak TLS itself: what it says cannot be read here.
  const opaque: InboundChain = {
    name: 'opaque',
    filterChainMatch: { transportProtocol: 'tls' },
    filters: tcpFilters(proxy, listener, { ...place, arrival: 'none' }),
  }
  return [mesh, plain, opaque]
}

const tcpFilters = (
  { workload, security }: MeshProxy,
  listener: InboundListener,
  { name, observability, arrival }: ArrivalPlace,
): NetworkFilters => [
  ...tcpAuthorization(security?.authorization ?? [], statPrefixOf(listener)),
  tcpProxy({
    statPrefix: name,
    route: { clusters: [{ cluster: inboundClusterName(listener), weight: 1 }] },
    awaitsHandshake: arrival === 'mutual_tls',
    accessLog: [
      ...destinationConnectionLogs(
        workload,
        { service: listener.service, isMutualTls: arrival === 'mutual_tls' },
        observability,
      ),
      ...connectionAccessLogs(observability, listener.service?.host ?? 'unknown'),
    ],
  }),
]

/** Envoy would take the dots of an address for the ends of names. */
const statPrefixOf = ({ bind }: Pick<InboundListener, 'bind'>): string => `inbound_${bind.port}`

function inboundHttp(
  proxy: MeshProxy,
  { service, mutualTls, ...listener }: InboundListener,
  { name, observability, arrival }: ArrivalPlace,
) {
  const { workload, security } = proxy
  const isProven = arrival === 'mutual_tls'
  // Without TLS anybody may say who he is; where nobody is asked for TLS it is still good enough for numbers.
  const believed = isProven || mutualTls === 'disable'
  return httpFilter({
    statPrefix: statPrefixOf(listener),
    serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
    // `//api` and `/%2Fapi` would pass by rules for `/api`.
    mergeSlashes: true,
    forwardClientCertDetails: isProven ? ForwardClientCert.APPEND_FORWARD : ForwardClientCert.SANITIZE,
    ...(isProven ? { setCurrentClientCertDetails: { uri: true } } : {}),
    accessLog: [
      ...destinationLogs(workload, { service, isMutualTls: isProven }, observability),
      ...accessLogs(observability, service?.host ?? 'unknown'),
    ],
    ...tracingFields(proxy, observability),
    httpFilters: [
      believed ? peerFilter() : forgetPeerFilter(),
      ...tokenFilters(security?.tokens ?? []),
      ...httpAuthorization(security?.authorization ?? []),
      router(),
    ],
    routeSpecifier: {
      case: 'routeConfig',
      value: { name, virtualHosts: [inboundHost(inboundClusterName(listener))] },
    },
  })
}

const inboundHost = (cluster: string): MessageInitShape<typeof VirtualHostSchema> => ({
  name: cluster,
  domains: ['*'],
  routes: [
    {
      match: { pathSpecifier: { case: 'prefix' as const, value: '/' } },
      action: {
        case: 'route' as const,
        value: {
          clusterSpecifier: { case: 'cluster' as const, value: cluster },
          timeout: duration(0),
          // Safe: nothing of the request had been sent.
          retryPolicy: { retryOn: 'reset-before-request', numRetries: 2 },
        },
      },
    },
  ],
})
