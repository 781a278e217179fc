import { findOrMake, isSameRecord, remember } from '../../base/index.ts'
import type { Cluster, Locality, Mesh, MeshProxy } from '../model/index.ts'
import { renderBlackHole, renderCluster, renderInboundCluster } from './cluster.ts'
import { hasOwnEndpoints } from './discovery.ts'
import { dependsOnLocality, localityKey, renderEndpoints } from './endpoints.ts'
import { renderInbound } from './inbound.ts'
import { renderOriginalDestinations } from './interception.ts'
import { renderOutbound } from './listener.ts'
import { renderTracing } from './observability.ts'
import { renderPassthrough } from './passthrough.ts'
import { createProxylessRenderer } from './proxyless.ts'
import type { EnvoyResource } from './resource.ts'
import { type Observability, type SideObservability, sidesOf } from './side-telemetry.ts'
import { createTableRenderer, type TableRenderer } from './table-resources.ts'
import { renderVirtualInbound, renderVirtualOutbound } from './virtual-listeners.ts'

/** What one proxy is to have, in groups: a group that did not change, or that proxies share, is the same array. */
export type ProxyResources = readonly (readonly EnvoyResource[])[]

/** All resources of each proxy by node id. What proxies share is rendered once and is the same object. */
export const renderMesh = (
  mesh: Mesh,
  observability: Observability = {},
): ReadonlyMap<string, readonly EnvoyResource[]> =>
  new Map([...createMeshRenderer(observability)(mesh)].map(([id, groups]) => [id, groups.flat()]))

/** Renders mesh after mesh; what is the same object of the model as before gives the same resource as before. */
export function createMeshRenderer(
  observability: Observability = {},
): (mesh: Mesh) => ReadonlyMap<string, ProxyResources> {
  const tracing = renderTracing(observability)
  const renderDestinations = createDestinationRenderer([renderBlackHole(), renderPassthrough(), ...tracing])
  const renderIntercepted = createDestinationRenderer(
    [renderBlackHole(), ...renderOriginalDestinations(), ...tracing],
    unbalanced,
  )
  const renderer = createTableRenderer()
  const renderProxyless = createProxylessRenderer()
  let listeners = new Map<string, OwnResources>()
  let tables = new Map<string, readonly EnvoyResource[]>()

  return (mesh) => {
    const known = { listeners, tables }
    listeners = new Map(
      mesh.proxies.map((proxy) => [proxy.id, renderOwn(proxy, known.listeners.get(proxy.id), observability)]),
    )
    tables = new Map(mesh.proxies.map((proxy) => [proxy.id, renderTables(proxy, known.tables.get(proxy.id), renderer)]))
    return new Map(
      mesh.proxies.map((proxy) => [
        proxy.id,
        proxy.apiListeners === undefined
          ? [
              (proxy.interception === undefined ? renderDestinations : renderIntercepted)(
                proxy.clusters ?? mesh.clusters,
              )(proxy.locality),
              listeners.get(proxy.id)?.resources ?? [],
              tables.get(proxy.id) ?? [],
              ...proxy.routeTables.filter(({ hostsOneByOne }) => hostsOneByOne === true).map(renderer.hosts),
            ]
          : renderProxyless(proxy.clusters ?? mesh.clusters, proxy.apiListeners, proxy.routeTables),
      ]),
    )
  }
}

/** The same array as before when every table is. */
function renderTables(
  { apiListeners, routeTables }: MeshProxy,
  known: readonly EnvoyResource[] | undefined,
  renderer: TableRenderer,
): readonly EnvoyResource[] {
  if (apiListeners !== undefined) return []
  const tables = routeTables.map(renderer.table)
  const isKnown = known?.length === tables.length && tables.every((table, index) => table === known[index])
  return isKnown ? known : tables
}

type Destinations = (from: Locality | undefined) => readonly EnvoyResource[]

/** Clusters and their endpoints as proxies of one locality see them. */
function createDestinationRenderer(
  fixed: readonly EnvoyResource[],
  asSeen: (cluster: Cluster) => Cluster = (cluster) => cluster,
): (clusters: readonly Cluster[]) => Destinations {
  const common = remember((cluster: Cluster) => {
    const seen = asSeen(cluster)
    const endpoints = hasOwnEndpoints(seen) ? [renderEndpoints(seen)] : []
    return { seen, rendered: renderCluster(seen), endpoints, near: new Map<string, EnvoyResource>() }
  })
  const render = (cluster: Cluster, from: Locality | undefined): readonly EnvoyResource[] => {
    const { seen, rendered, endpoints, near } = common(cluster)
    if (from === undefined || !dependsOnLocality(seen)) return [rendered, ...endpoints]
    return [rendered, findOrMake(near, localityKey(from), () => renderEndpoints(seen, from))]
  }
  return remember((clusters: readonly Cluster[]) => {
    const known = new Map<string, readonly EnvoyResource[]>()
    return (from: Locality | undefined) =>
      findOrMake(known, localityKey(from), () => [...fixed, ...clusters.flatMap((cluster) => render(cluster, from))])
  })
}

/** Where connections are intercepted, some of them are only handed on. */
function unbalanced(cluster: Cluster): Cluster {
  if (cluster.loadBalancing !== 'passthrough') return cluster
  const { healthCheck: _, endpoints, ...rest } = cluster
  const isMutual = endpoints.length > 0 && endpoints.every(({ takesMutualTls = false }) => takesMutualTls)
  const led: Cluster = { ...rest, resolution: 'original-destination', endpoints: [] }
  return isMutual ? { ...led, leadsToMutualTls: true } : led
}

interface OwnResources {
  readonly of: Omit<MeshProxy, 'routeTables' | 'clusters'>
  readonly resources: readonly EnvoyResource[]
}

/** Listeners and what is behind them; they say nothing of the routes but their tables' names. */
function renderOwn(proxy: MeshProxy, known: OwnResources | undefined, observability: Observability): OwnResources {
  const { routeTables: _, clusters: __, ...of } = proxy
  if (known !== undefined && isSameRecord(known.of, of)) return known
  const { client, server } = sidesOf(observability, proxy.telemetry)
  const resources = [
    ...proxy.inbound.map((listener) => renderInboundCluster(listener, proxy.interception !== undefined)),
    ...ownListeners(proxy, server),
    ...proxy.outbound.map((listener) => renderOutbound(proxy, listener, client)),
  ]
  return { of, resources }
}

function ownListeners(proxy: MeshProxy, observability: SideObservability): readonly EnvoyResource[] {
  const { interception } = proxy
  if (interception === undefined) return proxy.inbound.map((listener) => renderInbound(proxy, listener, observability))
  return [renderVirtualInbound(proxy, interception, observability), renderVirtualOutbound(interception)]
}
