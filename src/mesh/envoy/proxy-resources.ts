import type { Mesh, MeshProxy, RouteTable } from '../model/index.ts'
import { renderBlackHole, renderCluster, renderEndpoints, renderInboundCluster } from './cluster.ts'
import { renderInbound, renderOutbound } from './listener.ts'
import type { EnvoyResource } from './resource.ts'
import { renderRouteTable } from './route.ts'

/** All resources of each proxy by node id. What proxies share is rendered once and is the same object. */
export function renderMesh(mesh: Mesh): ReadonlyMap<string, readonly EnvoyResource[]> {
  const shared = [
    renderBlackHole(),
    ...mesh.clusters.flatMap((cluster) => [renderCluster(cluster), renderEndpoints(cluster)]),
  ]
  const tables = new Map<RouteTable, EnvoyResource>()
  const render = (table: RouteTable): EnvoyResource => {
    const known = tables.get(table) ?? renderRouteTable(table)
    tables.set(table, known)
    return known
  }
  return new Map(mesh.proxies.map((proxy) => [proxy.id, renderProxy(proxy, shared, render)]))
}

const renderProxy = (
  proxy: MeshProxy,
  shared: readonly EnvoyResource[],
  render: (table: RouteTable) => EnvoyResource,
): readonly EnvoyResource[] => [
  ...shared,
  ...proxy.inbound.flatMap((listener) => [renderInboundCluster(listener), renderInbound(proxy, listener)]),
  ...proxy.outbound.map((listener) => renderOutbound(proxy, listener)),
  ...proxy.routeTables.map(render),
]
