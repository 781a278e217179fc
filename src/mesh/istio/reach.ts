import { findOrMake, remember } from '../../base/index.ts'
import { type Cluster, connectionRoutes, type MeshProxy, type RouteTable } from '../model/index.ts'
import type { ClustersOf } from './destinations.ts'
import { createMeshRoutes, type MeshRoutes } from './mesh-routes.ts'
import type { RegisteredService } from './registry.ts'
import { createRouteMemory } from './route-memory.ts'
import type { Scope } from './scope.ts'

type Routing = Pick<MeshProxy, 'routeTables' | 'outbound'>

/** What the proxies of a scope get; proxies of one scope share it. */
export interface Reach {
  routes(scope: Scope): MeshRoutes
  /** Nothing where the clusters are those of the whole mesh. */
  clusters(scope: Scope, routing: Routing): { readonly clusters?: readonly Cluster[] }
}

/** For one state of the mesh after the other; what is made of the same things as before is the very same. */
export function createReachBuilder(
  clustersOf: ClustersOf,
): (services: ReadonlyMap<string, RegisteredService>) => Reach {
  const memory = createRouteMemory()
  const select = createSelection()
  return (services) => {
    const routes = new Map<string, MeshRoutes>()
    return {
      routes: (scope) => findOrMake(routes, scope.key, () => createMeshRoutes(scope, memory)),
      clusters(scope, routing) {
        if (scope.key === '') return {}
        return { clusters: select(clustersOf(services, scope.destinations), scope.reached, namedIn(routing)) }
      },
    }
  }
}

type Select = (
  candidates: readonly Cluster[],
  reached: Scope['reached'],
  named: ReadonlySet<string>,
) => readonly Cluster[]

/** The clusters of what is reached, and those that routes name beyond that: proxies for which these are equal share a list. */
function createSelection(): Select {
  const listsOf = remember((_: readonly Cluster[]) =>
    remember((_: Scope['reached']) => new Map<string, readonly Cluster[]>()),
  )
  return (candidates, reached, named) => {
    const places = placesIn(reached)
    const isReached = ({ service, port }: Cluster) => places.has(placeOf(service, port))
    const beyond = candidates.filter((cluster) => named.has(cluster.name) && !isReached(cluster))
    const key = beyond.map(({ name }) => name).join()
    return findOrMake(listsOf(candidates)(reached), key, () =>
      candidates.filter((cluster) => isReached(cluster) || named.has(cluster.name)),
    )
  }
}

/** Proxies share what they reach. */
const placesIn = remember(
  (reached: Scope['reached']): ReadonlySet<string> =>
    new Set(reached.flatMap(({ identity, ports }) => ports.map(({ number }) => placeOf(identity, number)))),
)

const placeOf = ({ host }: { readonly host: string }, port: number): string => `${host}:${port}`

/** Routes may lead to Services that the application does not ask for by name. */
function namedIn({ routeTables, outbound }: Routing): ReadonlySet<string> {
  const connections = outbound.flatMap(connectionRoutes).flatMap(({ clusters }) => clusters)
  return new Set([...routeTables.flatMap(namedInTable), ...connections.flatMap(({ cluster }) => cluster ?? [])])
}

/** Proxies share tables. */
const namedInTable = remember(({ virtualHosts }: RouteTable): readonly string[] => {
  const routes = virtualHosts.flatMap((host) => host.routes)
  const destinations = routes.flatMap(({ clusters, mirrors = [] }) => [...clusters, ...mirrors])
  return [...new Set(destinations.flatMap(({ cluster }) => cluster ?? []))]
})
