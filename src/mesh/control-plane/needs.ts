import type { MeshProxy, Route, RouteTable } from '../model/index.ts'
import { keyText } from './last-good.ts'

/** What one proxy must have accepted before a VirtualService is in force there. */
export interface Need {
  readonly nodeId: string
  readonly tables: readonly string[]
  readonly clusters: readonly string[]
}

interface TableNeed {
  readonly table: string
  readonly clusters: readonly string[]
}

/** By the text of the object's key. An object that no proxy reads is not in it. */
export function needsByObject(proxies: readonly MeshProxy[]): ReadonlyMap<string, readonly Need[]> {
  const needs = new Map<string, Need[]>()
  const origins = new Map<RouteTable, ReadonlyMap<string, TableNeed>>()
  for (const proxy of proxies) {
    const found = proxy.routeTables.flatMap((table) => {
      const known = origins.get(table) ?? originsOf(table)
      origins.set(table, known)
      return [...known]
    })
    for (const [key, group] of Map.groupBy(found, ([origin]) => origin)) {
      const tables = group.map(([, need]) => need.table)
      const clusters = [...new Set(group.flatMap(([, need]) => need.clusters))]
      const known = needs.get(key) ?? []
      known.push({ nodeId: proxy.id, tables, clusters })
      needs.set(key, known)
    }
  }
  return needs
}

function originsOf(table: RouteTable): ReadonlyMap<string, TableNeed> {
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

const clustersOf = (route: Route): readonly string[] =>
  [...route.clusters, ...(route.mirrors ?? [])].flatMap(({ cluster }) => cluster ?? [])
