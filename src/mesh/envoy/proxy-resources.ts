import type { Cluster, Locality, Mesh, MeshProxy, RouteTable } from '../model/index.ts'
import { renderBlackHole, renderCluster, renderInboundCluster } from './cluster.ts'
import { dependsOnLocality, localityKey, renderEndpoints } from './endpoints.ts'
import { renderInbound, renderOutbound } from './listener.ts'
import type { EnvoyResource } from './resource.ts'
import { renderRouteTable } from './route.ts'

/** All resources of each proxy by node id. What proxies share is rendered once and is the same object. */
export function renderMesh(mesh: Mesh): ReadonlyMap<string, readonly EnvoyResource[]> {
  const destinationsFrom = createDestinations(mesh.clusters)
  const tables = new Map<RouteTable, EnvoyResource>()
  const render = (table: RouteTable): EnvoyResource => {
    const known = tables.get(table) ?? renderRouteTable(table)
    tables.set(table, known)
    return known
  }
  return new Map(mesh.proxies.map((proxy) => [proxy.id, renderProxy(proxy, destinationsFrom(proxy.locality), render)]))
}

type Destinations = (from: Locality | undefined) => readonly EnvoyResource[]

/** Clusters and their endpoints as proxies of one locality see them. */
function createDestinations(clusters: readonly Cluster[]): Destinations {
  const blackHole = renderBlackHole()
  const common = clusters.map((cluster) => ({
    cluster,
    rendered: renderCluster(cluster),
    endpoints: renderEndpoints(cluster),
  }))
  const known = new Map<string, readonly EnvoyResource[]>()
  return (from) => {
    const key = localityKey(from)
    const built = known.get(key) ?? [
      blackHole,
      ...common.flatMap(({ cluster, rendered, endpoints }) => [
        rendered,
        dependsOnLocality(cluster) && from !== undefined ? renderEndpoints(cluster, from) : endpoints,
      ]),
    ]
    known.set(key, built)
    return built
  }
}

const renderProxy = (
  proxy: MeshProxy,
  destinations: readonly EnvoyResource[],
  render: (table: RouteTable) => EnvoyResource,
): readonly EnvoyResource[] => [
  ...destinations,
  ...proxy.inbound.flatMap((listener) => [renderInboundCluster(listener), renderInbound(proxy, listener)]),
  ...proxy.outbound.map((listener) => renderOutbound(proxy, listener)),
  ...proxy.routeTables.map(render),
]
