import { canonicalJson } from '../../base/index.ts'
import type { ApiListener, Finding, MeshProxy, Route, RouteTable, TcpRoute, VirtualHost } from '../model/index.ts'
import { clusterName, passthroughCluster } from '../model/index.ts'
import { hashKeyOf } from './destinations.ts'
import { aliasesOf, hostMatches } from './hosts.ts'
import { isInterceptable } from './interception.ts'
import type { RegisteredPort, RegisteredService } from './registry.ts'
import { matchAll, type RouteSource } from './route-match.ts'
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

export function createMeshRoutes(scope: Scope): MeshRoutes {
  const tables = new Map<string, RouteTable>()
  const once = (key: string, build: () => RouteTable): RouteTable => {
    const known = tables.get(key) ?? build()
    tables.set(key, known)
    return known
  }
  const catalog = catalogOf(scope)
  const rules = scope.rules.filter((candidate) => candidate.gateways.includes('mesh'))
  const winners = new Map([...scope.services.keys()].map((host) => [host, winnerFor(host, rules)]))
  const sourceMatters = rules.some((candidate) => candidate.dependsOnSource)
  const routesOf = (service: RegisteredService, port: RegisteredPort, source: RouteSource): readonly Route[] =>
    routesFor({ service, port, source, winner: winners.get(service.identity.host), catalog })

  const serviceTable: MeshRoutes['serviceTable'] = (service, port, source) => {
    const name = serviceTableName(service.identity.host, port.number)
    const varies = winners.get(service.identity.host)?.dependsOnSource === true
    return once(`${name}|${varies ? canonicalJson(source) : ''}`, () => ({
      name,
      virtualHosts: [{ name, domains: ['*'], routes: routesOf(service, port, source) }],
      ignorePortInHost: false,
    }))
  }
  const apiTables = new Map<string, ReturnType<MeshRoutes['apiTables']>>()

  return {
    serviceTable,
    apiTables(source) {
      const key = sourceMatters ? canonicalJson(source) : source.namespace
      const known = apiTables.get(key) ?? buildApiTables(scope.reached, source, serviceTable)
      apiTables.set(key, known)
      return known
    },
    tcpRoute(service, port, { source, address }) {
      const winner = winners.get(service.identity.host)
      const own = ownTcpRoute(service, port, catalog)
      if (winner === undefined) return own
      const context = { gateway: 'mesh', namespace: winner.namespace, port: port.number, source }
      const addresses = [address, ...service.addresses]
      return buildTcpRoute(winner, { ...context, addresses }, catalog).route ?? own
    },
    portTable(port, source, placed) {
      const key = sourceMatters ? canonicalJson(source) : source.namespace
      const name = placed === undefined ? portTableName(port) : placedTableName(placed.bind, port)
      const within = placed === undefined ? scope : { ...scope, reached: placed.services }
      return once(`port ${name}|${key}`, () => ({ ...buildPortTable(within, port, source, routesOf), name }))
    },
    proxyTable(source) {
      const key = sourceMatters ? canonicalJson(source) : source.namespace
      return once(`${proxyTableName}|${key}`, () => ({
        name: proxyTableName,
        virtualHosts: [
          ...scope.reached.flatMap((service) =>
            proxyHosts(service, source.namespace, (port) => routesOf(service, port, source)),
          ),
          unknownHosts[scope.unknownHosts],
        ],
        ignorePortInHost: false,
        hostsOneByOne: true,
      }))
    },
  }
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
  return {
    routeTables: built.map(({ table }) => table),
    apiListeners: built.flatMap(({ table, names }) => names.map((name) => ({ name, routeTable: table.name }))),
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

function proxyHosts(
  service: RegisteredService,
  namespace: string,
  routesOf: (port: RegisteredPort) => readonly Route[],
): readonly VirtualHost[] {
  const names = namesOf(service, namespace)
  return httpPorts(service).map((port) => ({
    name: serviceTableName(service.identity.host, port.number),
    domains: [...(port.number === 80 ? names : []), ...names.map((name) => `${name}:${port.number}`)],
    routes: routesOf(port),
  }))
}

type RoutesOf = (service: RegisteredService, port: RegisteredPort, source: RouteSource) => readonly Route[]

const buildPortTable = (
  scope: Scope,
  port: number,
  source: RouteSource,
  routesOf: RoutesOf,
): Omit<RouteTable, 'name'> => ({
  virtualHosts: [
    ...scope.reached.flatMap((service) => portHosts(service, port, source, routesOf)),
    unknownHosts[scope.unknownHosts],
  ],
  ignorePortInHost: false,
  hostsOneByOne: true,
})

function portHosts(
  service: RegisteredService,
  number: number,
  source: RouteSource,
  routesOf: RoutesOf,
): readonly VirtualHost[] {
  const hosts = [...namesOf(service, source.namespace), ...service.addresses.filter(isInterceptable)]
  return httpPorts(service)
    .filter((port) => port.number === number)
    .map((port) => ({
      name: serviceTableName(service.identity.host, number),
      domains: hosts.flatMap((host) => [host, `${host}:${number}`]),
      routes: routesOf(service, port, source),
    }))
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

/** The oldest that names the host itself; else the oldest with the longest wildcard. */
function winnerFor(host: string, rules: readonly RouteRules[]): RouteRules | undefined {
  const exact = rules.find((candidate) => candidate.hosts.includes(host))
  if (exact !== undefined) return exact
  const wildcards = rules.flatMap((candidate) =>
    candidate.hosts.filter((pattern) => hostMatches(pattern, host)).map((pattern) => ({ candidate, pattern })),
  )
  return wildcards.toSorted((left, right) => right.pattern.length - left.pattern.length)[0]?.candidate
}

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
