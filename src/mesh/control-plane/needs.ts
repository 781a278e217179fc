import { remember } from '../../base/index.ts'
import { blackHoleCluster, listenerName, virtualHostName } from '../envoy/index.ts'
import {
  connectionRoutes,
  keyText,
  type MeshProxy,
  type OutboundListener,
  type Route,
  type RouteTable,
  type VirtualHost,
} from '../model/index.ts'

/** What one proxy must have accepted before a VirtualService is in force there. */
export interface Need {
  readonly nodeId: string
  readonly tables: readonly string[]
  /** Virtual hosts of tables whose hosts come one by one. */
  readonly hosts: readonly string[]
  /** Those that hand connections on by themselves. */
  readonly listeners: readonly string[]
  readonly clusters: readonly string[]
  /** Only once it has asked for the tables: a gRPC library asks for the Services that it calls. */
  readonly isOnDemand: boolean
}

/** A resource that says something of an object, and where it leads. */
interface Place {
  readonly kind: 'table' | 'host' | 'listener'
  readonly name: string
  readonly clusters: readonly string[]
}

type Origin = readonly [key: string, place: Place]

/** By the text of the object's key. An object that no proxy reads is not in it. */
export function needsByObject(proxies: readonly MeshProxy[]): ReadonlyMap<string, readonly Need[]> {
  const needs = new Map<string, Need[]>()
  for (const proxy of proxies) {
    const isOnDemand = proxy.role === 'proxyless'
    const find = isOnDemand ? originsForGrpc : originsForEnvoy
    const found = [...proxy.routeTables.flatMap(find), ...originsOfConnections(proxy.outbound)]
    for (const [key, group] of Map.groupBy(found, ([origin]) => origin)) {
      const named = (kind: Place['kind']) => group.flatMap(([, place]) => (place.kind === kind ? place.name : []))
      const clusters = [...new Set(group.flatMap(([, place]) => place.clusters))]
      const known = needs.get(key) ?? []
      const places = { tables: named('table'), hosts: named('host'), listeners: named('listener') }
      known.push({ nodeId: proxy.id, ...places, clusters, isOnDemand })
      needs.set(key, known)
    }
  }
  return needs
}

const originsOf =
  (clustersOf: (route: Route) => readonly string[]) =>
  ({ name: table, virtualHosts, hostsOneByOne }: RouteTable): readonly Origin[] => {
    const originsIn = (kind: Place['kind'], name: string, hosts: readonly VirtualHost[]): readonly Origin[] => {
      const routes = hosts.flatMap((host) => host.routes)
      const own = routes.flatMap((route) => (route.origin === undefined ? [] : [{ origin: route.origin, route }]))
      const groups = Map.groupBy(own, ({ origin }) => keyText(origin))
      return [...groups].map(([key, group]) => {
        const clusters = [...new Set(group.flatMap(({ route }) => clustersOf(route)))]
        return [key, { kind, name, clusters }]
      })
    }
    return hostsOneByOne === true
      ? virtualHosts.flatMap((host) => originsIn('host', virtualHostName(table, host.name), [host]))
      : originsIn('table', table, virtualHosts)
  }

/** gRPC neither mirrors nor asks for what gets no share, and nothing answers in the place of a Service. */
const calledClusters = ({ clusters, answer }: Route): readonly string[] =>
  answer === undefined
    ? clusters.filter(({ weight }) => weight > 0).map(({ cluster }) => cluster ?? blackHoleCluster)
    : [blackHoleCluster]

const clustersOf = ({ clusters, mirrors = [] }: Pick<Route, 'clusters' | 'mirrors'>): readonly string[] =>
  [...clusters, ...mirrors].flatMap(({ cluster }) => cluster ?? [])

const originsForEnvoy = remember(originsOf(clustersOf))
const originsForGrpc = remember(originsOf(calledClusters))
const originsOfConnections = remember((outbound: MeshProxy['outbound']) => outbound.flatMap(originOf))

function originOf(listener: OutboundListener): readonly Origin[] {
  const name = listenerName('outbound', listener.bind)
  return connectionRoutes(listener).flatMap((route): readonly Origin[] =>
    route.origin === undefined
      ? []
      : [[keyText(route.origin), { kind: 'listener', name, clusters: clustersOf(route) }]],
  )
}
