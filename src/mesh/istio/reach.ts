import { remember } from '../../base/index.ts'
import type { Cluster, MeshProxy } from '../model/index.ts'
import { createClusters } from './destinations.ts'
import { createMeshRoutes, type MeshRoutes } from './mesh-routes.ts'
import type { RegisteredService } from './registry.ts'
import type { Scope } from './scope.ts'

type Routing = Pick<MeshProxy, 'routeTables' | 'outbound'>

/** What the proxies of a scope get; proxies of one scope share it. */
export interface Reach {
  routes(scope: Scope): MeshRoutes
  /** Nothing where the clusters are those of the whole mesh. */
  clusters(scope: Scope, routing: Routing): { readonly clusters?: readonly Cluster[] }
}

export function createReach(services: ReadonlyMap<string, RegisteredService>): Reach & {
  readonly allClusters: ReturnType<typeof createClusters>
} {
  const allClusters = createClusters(services)
  const routes = new Map<string, MeshRoutes>()
  const lists = new Map<string, readonly Cluster[]>()
  return {
    allClusters,
    routes(scope) {
      const known = routes.get(scope.key) ?? createMeshRoutes(scope)
      routes.set(scope.key, known)
      return known
    },
    clusters(scope, routing) {
      if (scope.key === '') return {}
      const reached = placesIn(scope)
      const named = namedIn(routing)
      const candidates = allClusters(scope.destinations)
      const isWanted = ({ name, service, port }: Cluster) => reached.has(placeOf(service, port)) || named.has(name)
      const beyond = candidates.filter(
        ({ name, service, port }) => named.has(name) && !reached.has(placeOf(service, port)),
      )
      const key = [scope.key, ...beyond.map(({ name }) => name)].join()
      const clusters = lists.get(key) ?? candidates.filter(isWanted)
      lists.set(key, clusters)
      return { clusters }
    },
  }
}

/** Proxies share scopes. */
const placesIn = remember(
  ({ reached }: Scope): ReadonlySet<string> =>
    new Set(reached.flatMap(({ identity, ports }) => ports.map(({ number }) => placeOf(identity, number)))),
)

const placeOf = ({ host }: { readonly host: string }, port: number): string => `${host}:${port}`

/** Routes may lead to Services that the application does not ask for by name. */
function namedIn({ routeTables, outbound }: Routing): ReadonlySet<string> {
  const requests = routeTables
    .flatMap(({ virtualHosts }) => virtualHosts.flatMap((host) => host.routes))
    .flatMap(({ clusters, mirrors = [] }) => [...clusters, ...mirrors])
  const connections = outbound.flatMap((listener) => (listener.kind === 'tcp' ? listener.route.clusters : []))
  return new Set([...requests, ...connections].flatMap(({ cluster }) => cluster ?? []))
}
