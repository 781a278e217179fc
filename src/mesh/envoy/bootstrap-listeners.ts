import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { SocketAddress } from '../model/index.ts'
import {
  type Address,
  AddressSchema,
  Cluster_DiscoveryType,
  HttpConnectionManagerSchema,
  type ListenerSchema,
  RouterSchema,
  type RouteSchema,
} from './api.ts'
import { duration, extension, socketAddress } from './messages.ts'

type Listener = MessageInitShape<typeof ListenerSchema>
type HttpFilter = ReturnType<typeof extension>

const adminCluster = 'prometheus_stats'

/** A listener that Envoy has from its start, before and without the mesh. */
export function ownListener(
  name: string,
  bind: SocketAddress,
  routes: readonly MessageInitShape<typeof RouteSchema>[],
  filters: readonly HttpFilter[] = [],
): Listener {
  const manager = extension('envoy.filters.network.http_connection_manager', HttpConnectionManagerSchema, {
    statPrefix: name,
    httpFilters: [...filters, extension('envoy.filters.http.router', RouterSchema, {})],
    routeSpecifier: {
      case: 'routeConfig',
      value: { name, virtualHosts: [{ name, domains: ['*'], routes: [...routes] }] },
    },
  })
  return {
    name,
    address: socketAddress(bind),
    enableReusePort: false,
    // Traffic may be cut off, what was counted must still be read.
    bypassOverloadManager: true,
    filterChains: [{ filters: [manager] }],
  }
}

/** A cluster that Envoy has from its start. Names in place of addresses are resolved. */
export function ownCluster(name: string, address: Address) {
  const named = address.address.case === 'socketAddress' && !isLiteral(address.address.value.address)
  return {
    name,
    clusterDiscoveryType: {
      case: 'type' as const,
      value: named ? Cluster_DiscoveryType.STRICT_DNS : Cluster_DiscoveryType.STATIC,
    },
    connectTimeout: duration(1_000),
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint' as const, value: { address } } }] }],
    },
  }
}

/** A variable stands for an address, too. */
const isLiteral = (host: string): boolean => /^[\d.]+$|:|^\$\(/.test(host)

/** Of the administration interface only what reads: metrics and readiness. */
export const metricsListener = (bind: SocketAddress): Listener =>
  ownListener(
    'metrics',
    bind,
    ['/stats/prometheus', '/ready'].map((path) => administrationRoute(path)),
  )

/** Where kubelets ask whether the proxy has what it needs. Istio's path. */
export const readinessListener = (bind: SocketAddress): Listener =>
  ownListener('readiness', bind, [administrationRoute('/healthz/ready', '/ready')])

const administrationRoute = (path: string, rewritten = path): MessageInitShape<typeof RouteSchema> => ({
  match: { pathSpecifier: { case: 'path', value: path } },
  action: {
    case: 'route',
    value: {
      clusterSpecifier: { case: 'cluster', value: adminCluster },
      ...(rewritten === path ? {} : { prefixRewrite: rewritten }),
    },
  },
})

export const administration = (path: string) =>
  ownCluster(adminCluster, create(AddressSchema, { address: { case: 'pipe', value: { path } } }))
