import { remember } from '../../base/index.ts'
import { blackHoleCluster } from '../envoy/index.ts'
import type { MeshProxy, Route, RouteTable } from '../model/index.ts'
import { keyText } from './last-good.ts'

/** What one proxy must have accepted before a VirtualService is in force there. */
export interface Need {
  readonly nodeId: string
  readonly tables: readonly string[]
  readonly clusters: readonly string[]
  /** Only once it has asked for the tables: a gRPC library asks for the Services that it calls. */
  readonly isOnDemand: boolean
}

interface TableNeed {
  readonly table: string
  readonly clusters: readonly string[]
}

/** By the text of the object's key. An object that no proxy reads is not in it. */
export function needsByObject(proxies: readonly MeshProxy[]): ReadonlyMap<string, readonly Need[]> {
  const needs = new Map<string, Need[]>()
  const originsFor = { envoy: remember(originsOf(clustersOf)), grpc: remember(originsOf(calledClusters)) }
  for (const proxy of proxies) {
    const isOnDemand = proxy.role === 'proxyless'
    const find = isOnDemand ? originsFor.grpc : originsFor.envoy
    const found = proxy.routeTables.flatMap((table) => [...find(table)])
    for (const [key, group] of Map.groupBy(found, ([origin]) => origin)) {
      const tables = group.map(([, need]) => need.table)
      const clusters = [...new Set(group.flatMap(([, need]) => need.clusters))]
      const known = needs.get(key) ?? []
      known.push({ nodeId: proxy.id, tables, clusters, isOnDemand })
      needs.set(key, known)
    }
  }
  return needs
}

const originsOf =
  (clustersOf: (route: Route) => readonly string[]) =>
  (table: RouteTable): ReadonlyMap<string, TableNeed> => {
    const routes = table.virtualHosts.flatMap((host) => host.routes)
    const own = routes.flatMap((route) => (route.origin === undefined ? [] : [{ origin: route.origin, route }]))
    const groups = Map.groupBy(own, ({ origin }) => keyText(origin))
    return new Map(
      [...groups].map(([key, group]) => [
        key,
        { table: table.name, clusters: [...new Set(group.flatMap(({ route }) => clustersOf(route)))] },
      ]),
    )
  }

/** gRPC neither mirrors nor asks for what gets no share, and nothing answers in the place of a Service. */
const calledClusters = ({ clusters, answer }: Route): readonly string[] =>
  answer === undefined
    ? clusters.filter(({ weight }) => weight > 0).map(({ cluster }) => cluster ?? blackHoleCluster)
    : [blackHoleCluster]

const clustersOf = (route: Route): readonly string[] =>
  [...route.clusters, ...(route.mirrors ?? [])].flatMap(({ cluster }) => cluster ?? [])
