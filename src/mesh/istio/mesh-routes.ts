import { canonicalJson, findOrMake } from '../../base/index.ts'
import type { ApiListener, Finding, MeshProxy, Route, RouteTable, TcpRoute, VirtualHost } from '../model/index.ts'
import { clusterName, passthroughCluster } from '../model/index.ts'
import { hashKeyOf } from './destinations.ts'
import { eachDomainOnce } from './domains.ts'
import { createFirstOnly } from './first-only.ts'
import { aliasesOf, hostMatches } from './hosts.ts'
import { isInterceptable } from './interception.ts'
import type { RegisteredPort, RegisteredService } from './registry.ts'
import { matchAll, type RouteSource } from './route-match.ts'
import type { RouteMemory } from './route-memory.ts'
import { catalogOf, type PlacedServices, type Scope } from './scope.ts'
import { buildTcpRoute, ownTcpRoute } from './tcp-routes.ts'
import { buildRoutes, type DestinationCatalog, defaultRetries, type RouteRules } from './virtual-service.ts'
import { haveCommonClients } from './visibility.ts'

export const proxyTableName = 'http_proxy'
export const portTableName = (port: number): string => `${port}`
const placedTableName = (bind: string, port: number): string => `${bind}:${port}`
export const serviceTableName = (host: string, port: number): string => `${host}:${port}`

/** Builds the tables of sidecars of one scope; workloads for which a table reads the same get one object. */
export interface MeshRoutes {
  /** Workloads with equal keys read the same. */
  sourceKey(source: RouteSource): string
  serviceTable(service: RegisteredService, port: RegisteredPort, source: RouteSource): RouteTable
  /** `address` is where the application's connections for the Service come in. */
  tcpRoute(service: RegisteredService, port: RegisteredPort, at: { source: RouteSource; address: string }): TcpRoute
  /** Every HTTP port of every Service by its names, for clients of HTTP_PROXY. */
  proxyTable(source: RouteSource): RouteTable
  /**
   * One port of the Services that speak HTTP there, by their names and addresses, for intercepted programs; or of those
   * of a listener with an address of its own.
   */
  portTable(port: number, source: RouteSource, placed?: Pick<PlacedServices, 'bind' | 'services'>): RouteTable
  /** Every HTTP port of every Service on its own, under each of its names, for gRPC libraries. */
  apiTables(source: RouteSource): Pick<MeshProxy, 'routeTables'> & { readonly apiListeners: readonly ApiListener[] }
}

export function createMeshRoutes(scope: Scope, memory: RouteMemory): MeshRoutes {
  const tables = new Map<string, RouteTable>()
  const catalog = catalogOf(scope)
  const rules = scope.rules.filter((candidate) => candidate.gateways.includes('mesh'))
  const winners = winnersFor(scope.services.keys(), rules)
  const sourceKey = sourceKeyOf(rules)
  /** Of ports where it does not matter who asks. */
  const routesForAll = new Map<RegisteredPort, readonly Route[]>()
  const routesOf: RoutesOf = (service, port, source) => {
    const winner = winners.get(service.identity.host)
    const isForAll = winner?.dependsOnSource !== true
    const known = isForAll ? routesForAll.get(port) : undefined
    if (known !== undefined) return known
    const key = `${placeOf(service, port)}|${isForAll ? '' : sourceKey(source)}`
    const routes = findOrMake(memory.of(catalog, winner).requests, key, () =>
      routesFor({ service, port, source, winner, catalog }),
    )
    if (isForAll) routesForAll.set(port, routes)
    return routes
  }
  const serviceTable: MeshRoutes['serviceTable'] = (service, port, source) => {
    const routes = routesOf(service, port, source)
    return memory.table(routes, () => {
      const name = serviceTableName(service.identity.host, port.number)
      return { name, virtualHosts: [{ name, domains: ['*'], routes }], ignorePortInHost: false }
    })
  }
  const building = { routesOf, memory, sourceKey }
  const apiTables = new Map<string, ReturnType<MeshRoutes['apiTables']>>()

  return {
    sourceKey,
    serviceTable,
    apiTables: (source) =>
      findOrMake(apiTables, sourceKey(source), () => buildApiTables(scope.reached, source, serviceTable)),
    tcpRoute(service, port, { source, address }) {
      const winner = winners.get(service.identity.host)
      const asker = winner?.dependsOnSource === true ? sourceKey(source) : ''
      const key = `${placeOf(service, port)}|${address}|${asker}`
      return findOrMake(memory.of(catalog, winner).connections, key, () => {
        const own = ownTcpRoute(service, port, address, catalog)
        if (winner === undefined) return own
        const context = { gateway: 'mesh', namespace: winner.namespace, port: port.number, source }
        const addresses = [address, ...service.addresses]
        return buildTcpRoute(winner, { ...context, addresses }, catalog).route ?? own
      })
    },
    portTable(port, source, placed) {
      const name = placed === undefined ? portTableName(port) : placedTableName(placed.bind, port)
      const within = placed === undefined ? scope : { ...scope, reached: placed.services }
      return findOrMake(tables, `port ${name}|${sourceKey(source)}`, () =>
        tableOf(within, name, {
          ...building,
          source,
          hosts: within.reached.flatMap((service) => portHosts(service, port, source, building)),
        }),
      )
    },
    proxyTable: (source) =>
      findOrMake(tables, `${proxyTableName}|${sourceKey(source)}`, () => buildProxyTable(scope, source, building)),
  }
}

const placeOf = ({ identity }: RegisteredService, port: RegisteredPort): string => `${identity.host}:${port.number}`

/** Rules tell workloads apart by their namespace and by the labels that they name. */
function sourceKeyOf(rules: readonly RouteRules[]): MeshRoutes['sourceKey'] {
  const names = [...new Set(rules.flatMap(({ sourceLabels }) => sourceLabels))].sort()
  if (names.length === 0) return ({ namespace }) => namespace
  return ({ namespace, labels }) => canonicalJson([namespace, ...names.map((name) => labels[name] ?? null)])
}

function buildApiTables(
  services: readonly RegisteredService[],
  source: RouteSource,
  tableOf: MeshRoutes['serviceTable'],
): ReturnType<MeshRoutes['apiTables']> {
  const built = services.flatMap((service) =>
    httpPorts(service).map((port) => ({
      table: tableOf(service, port, source),
      names: namesOf(service, source.namespace).map((host) => `${host}:${port.number}`),
    })),
  )
  const listeners = built.flatMap(({ table, names }) => names.map((name) => ({ name, routeTable: table.name })))
  const isFirst = createFirstOnly()
  return {
    routeTables: built.map(({ table }) => table),
    // Of two hosts with one name the first has it.
    apiListeners: listeners.filter(({ name }) => isFirst(name)),
  }
}

/** Hosts that the mesh does not know, under Istio's names. */
const unknownHosts: Readonly<Record<Scope['unknownHosts'], VirtualHost>> = {
  passthrough: {
    name: 'allow_any',
    domains: ['*'],
    routes: [{ name: 'allow_any', match: matchAll, clusters: [{ cluster: passthroughCluster, weight: 1 }] }],
  },
  refuse: {
    name: 'block_all',
    domains: ['*'],
    routes: [{ name: 'block_all', match: matchAll, clusters: [], answer: { kind: 'direct', status: 502 } }],
  },
}

interface HostBuilding {
  readonly sourceKey: MeshRoutes['sourceKey']
  readonly routesOf: RoutesOf
  readonly memory: RouteMemory
}

type RoutesOf = (service: RegisteredService, port: RegisteredPort, source: RouteSource) => readonly Route[]

const buildProxyTable = (scope: Scope, source: RouteSource, building: HostBuilding): RouteTable =>
  tableOf(scope, proxyTableName, {
    ...building,
    source,
    hosts: scope.reached.flatMap((service) => proxyHosts(service, source, building)),
  })

interface TableParts extends HostBuilding {
  readonly source: RouteSource
  readonly hosts: readonly VirtualHost[]
}

function tableOf(scope: Scope, name: string, { hosts, memory, sourceKey, source }: TableParts): RouteTable {
  const virtualHosts = [...hosts, unknownHosts[scope.unknownHosts]]
  const keep = memory.tableOf(scope.reached, `${scope.key}|${name}|${sourceKey(source)}`)
  return keep(virtualHosts, () => ({
    name,
    virtualHosts: eachDomainOnce(virtualHosts),
    ignorePortInHost: false,
    hostsOneByOne: true,
  }))
}

function proxyHosts(
  service: RegisteredService,
  source: RouteSource,
  { routesOf, memory }: HostBuilding,
): readonly VirtualHost[] {
  return httpPorts(service).map((port) => {
    const routes = routesOf(service, port, source)
    return memory.host(routes, `${proxyTableName}|${source.namespace}`, () => {
      const names = namesOf(service, source.namespace)
      return {
        name: serviceTableName(service.identity.host, port.number),
        domains: [...(port.number === 80 ? names : []), ...names.map((name) => `${name}:${port.number}`)],
        routes,
      }
    })
  })
}

function portHosts(
  service: RegisteredService,
  number: number,
  source: RouteSource,
  { routesOf, memory }: HostBuilding,
): readonly VirtualHost[] {
  return httpPorts(service)
    .filter((port) => port.number === number)
    .map((port) => {
      const routes = routesOf(service, port, source)
      return memory.host(routes, `port|${source.namespace}`, () => {
        const hosts = [...namesOf(service, source.namespace), ...service.addresses.filter(isInterceptable)]
        return {
          name: serviceTableName(service.identity.host, number),
          domains: hosts.flatMap((host) => [host, `${host}:${number}`]),
          routes,
        }
      })
    })
}

const httpPorts = ({ ports }: RegisteredService): readonly RegisteredPort[] =>
  ports.filter(({ protocol }) => protocol !== 'tcp')

const namesOf = ({ isExternal, identity }: RegisteredService, fromNamespace: string): readonly string[] =>
  isExternal ? [identity.host] : aliasesOf(identity, fromNamespace)

interface RoutesInput {
  readonly service: RegisteredService
  readonly port: RegisteredPort
  readonly source: RouteSource
  readonly winner: RouteRules | undefined
  readonly catalog: DestinationCatalog
}

function routesFor({ service, port, source, winner, catalog }: RoutesInput): readonly Route[] {
  // Rules for connections alone say nothing of requests.
  if (winner === undefined || winner.http.length === 0) return [ownRoute(service, port, catalog)]
  const context = { gateway: 'mesh', namespace: winner.namespace, port: port.number, source }
  return buildRoutes(winner, context, catalog).routes
}

function ownRoute({ identity }: RegisteredService, port: RegisteredPort, { policies }: DestinationCatalog): Route {
  const { hashKey } = hashKeyOf(policies.get(identity.host), port.number)
  return {
    name: 'default',
    match: matchAll,
    clusters: [{ cluster: clusterName({ host: identity.host, port: port.number }), weight: 1 }],
    retries: defaultRetries,
    ...(hashKey === undefined ? {} : { hashKeys: [hashKey] }),
  }
}

/** Of each host the oldest that names it; else the oldest with the longest wildcard. */
function winnersFor(hosts: Iterable<string>, rules: readonly RouteRules[]): ReadonlyMap<string, RouteRules> {
  const exact = new Map<string, RouteRules>()
  for (const candidate of rules) for (const host of candidate.hosts) if (!exact.has(host)) exact.set(host, candidate)
  const wildcards = rules
    .flatMap((candidate) => candidate.hosts.filter(isWildcard).map((pattern) => ({ candidate, pattern })))
    .toSorted((left, right) => right.pattern.length - left.pattern.length)
  const winnerFor = (host: string) =>
    exact.get(host) ?? wildcards.find(({ pattern }) => hostMatches(pattern, host))?.candidate
  return new Map(
    [...hosts].flatMap((host): readonly [string, RouteRules][] => {
      const winner = winnerFor(host)
      return winner === undefined ? [] : [[host, winner]]
    }),
  )
}

const isWildcard = (host: string): boolean => host.startsWith('*')

/** Rules that lose a host to older ones that the same clients see. */
export function hostConflicts(rules: readonly RouteRules[]): readonly Finding[] {
  const owners = new Map<string, readonly RouteRules[]>()
  return rules.flatMap((candidate) =>
    [...new Set(candidate.hosts)].flatMap((host): readonly Finding[] => {
      const older = owners.get(host) ?? []
      owners.set(host, [...older, candidate])
      const owner = older.find((other) => haveCommonClients(other, candidate))
      if (owner === undefined) return []
      const name = `${owner.key.namespace}/${owner.key.name}`
      const message = `spec.hosts: ${host} is routed by the older VirtualService ${name}; merge the two or delete one`
      return [{ object: candidate.key, reason: 'Conflict', message }]
    }),
  )
}
