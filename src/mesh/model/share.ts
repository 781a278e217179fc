import { findOrMake, isEqual, isSameList, isSameRecord } from '../../base/index.ts'
import type { Cluster } from './cluster.ts'
import type { Mesh } from './mesh.ts'
import type { MeshProxy } from './proxy.ts'
import type { RouteTable } from './route.ts'

/** The same mesh as `next`, in which everything that says what it said in `previous` is the object of `previous`. */
export type ShareMesh = (previous: Mesh, next: Mesh) => Mesh

/**
 * For mesh after mesh: what was made of an object before is still right. An object of `next` that was there before is
 * not compared again.
 */
export function createMeshSharing(): ShareMesh {
  const sharing = { tables: createTableSharing(), clusters: createClusterSharing() }
  const known = new WeakMap<MeshProxy, MeshProxy>()
  const share = (previous: MeshProxy | undefined, next: MeshProxy): MeshProxy =>
    findOrMake(known, next, () => shareProxy(previous, next, sharing))
  return (previous, next) => {
    const proxies = new Map(previous.proxies.map((proxy) => [proxy.id, proxy]))
    return {
      ...next,
      clusters: sharing.clusters(previous.clusters, next.clusters),
      proxies: next.proxies.map((proxy) => share(proxies.get(proxy.id), proxy)),
    }
  }
}

function shareList<T>(previous: readonly T[], next: readonly T[], keyOf: (item: T) => string): readonly T[] {
  const known = new Map(previous.map((item) => [keyOf(item), item]))
  const shared = next.map((item) => {
    const former = known.get(keyOf(item))
    return former !== undefined && isEqual(former, item) ? former : item
  })
  return isSameList(previous, shared) ? previous : shared
}

type TableSharing = (previous: readonly RouteTable[], next: readonly RouteTable[]) => readonly RouteTable[]

type ClusterSharing = (previous: readonly Cluster[], next: readonly Cluster[]) => readonly Cluster[]

interface Sharing {
  readonly tables: TableSharing
  readonly clusters: ClusterSharing
}

function shareProxy(previous: MeshProxy | undefined, next: MeshProxy, sharing: Sharing): MeshProxy {
  if (previous === undefined) return { ...next, routeTables: sharing.tables([], next.routeTables) }
  const { routeTables: formerTables, clusters: formerClusters, ...former } = previous
  const { routeTables: nextTables, clusters: nextClusters, ...own } = next
  const routeTables = sharing.tables(formerTables, nextTables)
  const clusters = nextClusters && sharing.clusters(formerClusters ?? [], nextClusters)
  const shared = isEqual(former, own) ? former : own
  if (shared === former && routeTables === formerTables && clusters === formerClusters) return previous
  return { ...shared, routeTables, ...(clusters === undefined ? {} : { clusters }) }
}

/** Proxies of one scope share a list: it is compared once. */
function createClusterSharing(): ClusterSharing {
  const shared = new WeakMap<readonly Cluster[], readonly Cluster[]>()
  return (previous, next) => findOrMake(shared, next, () => shareList(previous, next, ({ name }) => name))
}

/** Proxies share tables: each is compared once. */
function createTableSharing(): TableSharing {
  const shared = new WeakMap<RouteTable, RouteTable>()
  const share = (former: RouteTable | undefined, table: RouteTable): RouteTable =>
    findOrMake(shared, table, () => shareTable(former, table))
  return (previous, next) => {
    if (isSameList(previous, next)) return previous
    const find = (name: string) => previous.find((table) => table.name === name)
    const tables = next.map((table, index) => {
      const there = previous[index]
      return share(there?.name === table.name ? there : find(table.name), table)
    })
    return isSameList(previous, tables) ? previous : tables
  }
}

function shareTable(previous: RouteTable | undefined, next: RouteTable): RouteTable {
  if (previous === undefined) return next
  const table = { ...next, virtualHosts: shareList(previous.virtualHosts, next.virtualHosts, ({ name }) => name) }
  return isSameRecord(previous, table) ? previous : table
}
