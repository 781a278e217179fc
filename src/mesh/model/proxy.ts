import type { Cluster } from './cluster.ts'
import type { ObjectKey } from './finding.ts'
import type { Locality } from './locality.ts'
import type { RouteTable, TcpRoute } from './route.ts'
import type { MutualTls, ProxySecurity } from './security.ts'
import type { ProxyTelemetry } from './telemetry.ts'
import type { CredentialUse, ServerTls } from './tls.ts'
import type { Protocol, ServiceIdentity, WorkloadIdentity } from './workload.ts'

/** `proxyless`: no Envoy, the application's own gRPC library reads the configuration. */
export type ProxyRole = 'sidecar' | 'gateway' | 'proxyless'

export interface SocketAddress {
  readonly address: string
  readonly port: number
}

/** A socket of the file system; with `@` in front, one of Linux's that is no file. */
export interface UnixSocket {
  readonly path: string
}

interface Written {
  /** Programs connect to it themselves, although their connections are intercepted. */
  readonly isConnectedTo?: true
  /** The objects that say that it is there, where there are any. */
  readonly origins?: readonly ObjectKey[]
}

/** Where others reach the application behind this proxy. */
export interface InboundListener extends Written {
  readonly bind: SocketAddress
  readonly application: SocketAddress | UnixSocket
  readonly protocol: Protocol
  /** The oldest Service that leads here; absent for a port that no Service names. */
  readonly service?: ServiceIdentity
  readonly mutualTls: MutualTls
}

/** Where the application behind this proxy (or, on a gateway, everybody) reaches others. */
export interface HttpOutbound extends Written {
  readonly kind: 'http'
  readonly bind: SocketAddress
  readonly routeTable: string
  /** The one Service that it leads to, where there is one. */
  readonly service?: ServiceIdentity
}

export interface TcpOutbound extends Written {
  readonly kind: 'tcp'
  readonly bind: SocketAddress
  readonly route: TcpRoute
  /** Absent on a gateway. */
  readonly service?: ServiceIdentity
}

/** One port of a gateway whose servers are told apart by the name that the client asks for in its handshake. */
export interface HttpsOutbound extends Written {
  readonly kind: 'https'
  readonly bind: SocketAddress
  readonly servers: readonly TlsServer[]
}

export interface TlsServer {
  /** `*.suffix` stands for many; every name when empty. */
  readonly serverNames: readonly string[]
  readonly routeTable: string
  readonly tls: ServerTls
}

/** One port whose connections go by the name that the program asks for in its handshake, whatever address that has. */
export interface TlsOutbound extends Written {
  readonly kind: 'tls'
  readonly bind: SocketAddress
  /** Each name once; others are not known. */
  readonly hosts: readonly NamedHost[]
}

export interface NamedHost {
  /** In small letters; `*.suffix` stands for many. */
  readonly serverName: string
  readonly route: TcpRoute
}

export type OutboundListener = HttpOutbound | TcpOutbound | HttpsOutbound | TlsOutbound

/** Where a listener hands connections on by itself. */
export function connectionRoutes(listener: OutboundListener): readonly TcpRoute[] {
  if (listener.kind === 'tls') return listener.hosts.map(({ route }) => route)
  return listener.kind === 'tcp' ? [listener.route] : []
}

/** What a gRPC library asks for by its target's name: `web.shop.svc.cluster.local:80`. */
export interface ApiListener {
  readonly name: string
  readonly routeTable: string
}

/** Rules of the pod's network lead its connections to its proxy, whose listeners are found by where they were going. */
export interface Interception {
  /** Whether the program may reach what the mesh does not know. */
  readonly unknownHosts: 'passthrough' | 'refuse'
  /** What is asked of callers at ports that are not listed. */
  readonly otherPorts: MutualTls
}

export interface MeshProxy {
  /** Envoy's node id. */
  readonly id: string
  readonly role: ProxyRole
  readonly address: string
  readonly workload: WorkloadIdentity
  readonly locality?: Locality
  /** Those that it may use, where these are not all of the mesh. Proxies share lists. */
  readonly clusters?: readonly Cluster[]
  /** The Secrets that it may know, and those that it would need. */
  readonly credentials?: readonly CredentialUse[]
  /** Absent where programs connect to the listeners themselves. */
  readonly interception?: Interception
  readonly inbound: readonly InboundListener[]
  /** Absent when nothing is asked of callers. */
  readonly security?: ProxySecurity
  /** Absent when it tells what all proxies tell. */
  readonly telemetry?: ProxyTelemetry
  readonly outbound: readonly OutboundListener[]
  /** Of a proxyless application, which binds nothing. Applications share lists. */
  readonly apiListeners?: readonly ApiListener[]
  /** Those that its listeners name. Proxies share them: equal tables are one object. */
  readonly routeTables: readonly RouteTable[]
}

/** Envoy's node id in Istio's form: `sidecar~127.64.1.2~web-0.shop~shop.svc.cluster.local`. */
export function nodeId(of: {
  readonly role: ProxyRole
  readonly address: string
  readonly pod: string
  readonly namespace: string
}): string {
  const kind = of.role === 'gateway' ? 'router' : 'sidecar'
  return `${kind}~${of.address}~${of.pod}.${of.namespace}~${of.namespace}.svc.cluster.local`
}

/** Whether a node id is that of a gateway. */
export const isGatewayId = (id: string): boolean => id.startsWith('router~')
