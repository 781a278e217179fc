import type { MessageInitShape } from '@bufbuild/protobuf'
import type {
  HttpOutbound,
  HttpsOutbound,
  MeshProxy,
  OutboundListener,
  ServerTls,
  ServiceIdentity,
  SocketAddress,
  TcpRoute,
  TlsOutbound,
} from '../model/index.ts'
import {
  HttpConnectionManager_ForwardClientCertDetails as ForwardClientCert,
  HttpConnectionManager_CodecType,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
  ListenerSchema,
  RouterSchema,
  TlsInspectorSchema,
  TrafficDirection,
} from './api.ts'
import { httpAuthorization, tcpAuthorization } from './authorization.ts'
import { type ListenerChains, namedChains, outboundChains } from './captured-chains.ts'
import { connectionAccessLogs, sourceConnectionLogs } from './connection-telemetry.ts'
import { corsFilter } from './cors.ts'
import { faultFilter } from './fault.ts'
import { metadataNamespace } from './formats.ts'
import { ads, duration, encode, extension, socketAddress } from './messages.ts'
import { accessLogs, tracingFields } from './observability.ts'
import { passthroughFilter } from './passthrough.ts'
import { introduceFilter } from './peer.ts'
import type { EnvoyResource } from './resource.ts'
import { serverTls } from './server-tls.ts'
import type { SideObservability } from './side-telemetry.ts'
import { tcpClustersOf, tcpProxy } from './tcp-proxy.ts'
import { listenerMetadata, sourceLogs } from './telemetry.ts'
import { tokenFilters } from './tokens.ts'

type HttpConnectionManager = MessageInitShape<typeof HttpConnectionManagerSchema>
type NetworkFilter = ReturnType<typeof extension>

export function renderOutbound(
  proxy: MeshProxy,
  listener: OutboundListener,
  observability: SideObservability,
): EnvoyResource {
  const name = listenerName('outbound', listener.bind)
  if (listener.kind === 'https') return renderHttps(proxy, listener, name, observability)
  if (listener.kind === 'tls') return renderNamed(proxy, listener, name, observability)
  const encoded = (filters: NetworkFilter[]) =>
    encodeListener(
      name,
      listener,
      outboundChains(listener.kind, filters, listener.isConnectedTo === true ? undefined : proxy.interception),
    )
  if (listener.kind === 'tcp') {
    const asked = connectionFilters(proxy, listener)
    const message = encoded([...asked, outboundTcp(proxy, listener.route, name, observability)])
    return { type: 'listener', name, message, clusters: tcpClustersOf(listener.route), needs: [] }
  }
  const message = encoded([outboundHttp(proxy, listener, name, observability)])
  return { type: 'listener', name, message, clusters: [], needs: [listener.routeTable] }
}

/** Of a gateway, which is asked by everybody. Envoy would take the dots of an address for the ends of names. */
const connectionFilters = ({ role, security }: MeshProxy, { bind }: Pick<OutboundListener, 'bind'>): NetworkFilter[] =>
  role === 'gateway' ? tcpAuthorization(security?.authorization ?? [], `outbound_${bind.port}`) : []

export const listenerName = (direction: string, { address, port }: SocketAddress): string =>
  `${direction}|${address}|${port}`

function renderNamed(
  proxy: MeshProxy,
  listener: TlsOutbound,
  name: string,
  observability: SideObservability,
): EnvoyResource {
  const hosts = listener.hosts.map(({ serverName, route }) => {
    return { serverName, filter: outboundTcp(proxy, route, name, observability) }
  })
  const message = encodeListener(name, listener, namedChains(hosts, proxy.interception))
  const clusters = listener.hosts.flatMap(({ route }) => tcpClustersOf(route))
  return { type: 'listener', name, message, clusters, needs: [] }
}

/** A chain for each server; they stand alone, so that a change of one disturbs no connection of another. */
function renderHttps(
  proxy: MeshProxy,
  listener: HttpsOutbound,
  name: string,
  observability: SideObservability,
): EnvoyResource {
  const filterChains = listener.servers.map(({ serverNames, routeTable, tls }) => ({
    name: routeTable,
    filterChainMatch: { serverNames: [...serverNames] },
    transportSocket: serverTls(tls),
    transportSocketConnectTimeout: duration(HANDSHAKE_MS),
    filters: [outboundHttp(proxy, { routeTable, ...showsClients(tls) }, name, observability)],
  }))
  const listenerFilters = [extension('envoy.filters.listener.tls_inspector', TlsInspectorSchema, {})]
  const message = encodeListener(name, listener, { listenerFilters, filterChains })
  return { type: 'listener', name, message, clusters: [], needs: listener.servers.map(({ routeTable }) => routeTable) }
}

/** Istio's. */
const HANDSHAKE_MS = 15_000

type ClientDetails = Pick<HttpConnectionManager, 'forwardClientCertDetails' | 'setCurrentClientCertDetails'>

/** Tells applications who asks; what a client says of itself is dropped. */
const showsClients = ({ clientCertificates }: ServerTls): ClientDetails =>
  clientCertificates === 'ignored'
    ? {}
    : {
        forwardClientCertDetails: ForwardClientCert.SANITIZE_SET,
        setCurrentClientCertDetails: { subject: true, uri: true, dns: true },
      }

const encodeListener = (
  name: string,
  { bind, service }: Pick<OutboundListener, 'bind'> & { readonly service?: ServiceIdentity },
  chains: ListenerChains,
): Uint8Array =>
  encode(ListenerSchema, {
    name,
    address: socketAddress(bind),
    trafficDirection: TrafficDirection.OUTBOUND,
    // With it two processes share an address without an error, and the kernel splits the requests.
    enableReusePort: false,
    metadata: { filterMetadata: { [metadataNamespace]: listenerMetadata(service) } },
    ...chains,
  })

const outboundTcp = (
  { workload }: MeshProxy,
  route: TcpRoute,
  statPrefix: string,
  observability: SideObservability,
): NetworkFilter =>
  tcpProxy({
    statPrefix,
    route,
    accessLog: [...sourceConnectionLogs(workload, observability), ...connectionAccessLogs(observability)],
  })

export const httpFilter = (fields: HttpConnectionManager): NetworkFilter =>
  extension('envoy.filters.network.http_connection_manager', HttpConnectionManagerSchema, {
    codecType: HttpConnectionManager_CodecType.AUTO,
    normalizePath: true,
    streamIdleTimeout: duration(0),
    upgradeConfigs: [{ upgradeType: 'websocket' }],
    ...fields,
  })

export const router = () => extension('envoy.filters.http.router', RouterSchema, {})

type OutboundHttp = Pick<HttpOutbound, 'routeTable' | 'service'> & ClientDetails

function outboundHttp(
  proxy: MeshProxy,
  { routeTable, service, ...shown }: OutboundHttp,
  name: string,
  observability: SideObservability,
): NetworkFilter {
  const isGateway = proxy.role === 'gateway'
  // Only a listener that is not a Service's own is asked for hosts that nobody knows.
  const passthrough = isGateway || service !== undefined ? [] : [passthroughFilter()]
  return httpFilter({
    statPrefix: name,
    useRemoteAddress: isGateway,
    // `//api` would pass by policies for `/api`.
    ...(isGateway && proxy.security !== undefined ? { mergeSlashes: true } : {}),
    ...shown,
    ...(isGateway ? {} : { serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH }),
    accessLog: [...sourceLogs(proxy.workload, observability), ...accessLogs(observability)],
    ...tracingFields(proxy, observability),
    httpFilters: [
      introduceFilter(proxy.workload),
      ...requestFilters(proxy),
      corsFilter(),
      faultFilter(),
      ...passthrough,
      router(),
    ],
    routeSpecifier: { case: 'rds', value: { routeConfigName: routeTable, configSource: ads() } },
  })
}

const requestFilters = ({ role, security }: MeshProxy): NetworkFilter[] =>
  role === 'gateway'
    ? [...tokenFilters(security?.tokens ?? [], true), ...httpAuthorization(security?.authorization ?? [])]
    : []
