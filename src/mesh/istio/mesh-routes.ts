import { canonicalJson } from '../../base/index.ts'
import type { Finding, ObjectKey, Route, RouteTable, VirtualHost } from '../model/index.ts'
import { clusterName } from '../model/index.ts'
import { aliasesOf, hostMatches } from './hosts.ts'
import type { RegisteredPort, RegisteredService } from './registry.ts'
import { matchAll, type RouteSource } from './route-match.ts'
import { buildRoutes, type DestinationCatalog, defaultRetries, type RouteRules } from './virtual-service.ts'

export const proxyTableName = 'http_proxy'
export const serviceTableName = (host: string, port: number): string => `${host}:${port}`

export interface MeshRoutesInput {
  readonly catalog: DestinationCatalog
  /** Those bound to `mesh`, oldest first. */
  readonly rules: readonly RouteRules[]
}

/** Builds the tables of sidecars; workloads for which a table reads the same get one object. */
export interface MeshRoutes {
  serviceTable(service: RegisteredService, port: RegisteredPort, source: RouteSource): RouteTable
  /** Every HTTP port of every Service by its names, for clients of HTTP_PROXY. */
  proxyTable(source: RouteSource): RouteTable
}

export function createMeshRoutes(input: MeshRoutesInput): MeshRoutes {
  const tables = new Map<string, RouteTable>()
  const once = (key: string, build: () => RouteTable): RouteTable => {
    const known = tables.get(key) ?? build()
    tables.set(key, known)
    return known
  }
  const winners = new Map([...input.catalog.services.keys()].map((host) => [host, winnerFor(host, input.rules)]))
  const sourceMatters = input.rules.some((rules) => rules.dependsOnSource)
  const routesOf = (service: RegisteredService, port: RegisteredPort, source: RouteSource): readonly Route[] =>
    routesFor({ service, port, source, winner: winners.get(service.identity.host), catalog: input.catalog })

  return {
    serviceTable(service, port, source) {
      const name = serviceTableName(service.identity.host, port.number)
      const varies = winners.get(service.identity.host)?.dependsOnSource === true
      return once(`${name}|${varies ? canonicalJson(source) : ''}`, () => ({
        name,
        virtualHosts: [{ name, domains: ['*'], routes: routesOf(service, port, source) }],
        ignorePortInHost: false,
      }))
    },
    proxyTable(source) {
      const key = sourceMatters ? canonicalJson(source) : source.namespace
      return once(`${proxyTableName}|${key}`, () => ({
        name: proxyTableName,
        virtualHosts: [...input.catalog.services.values()].flatMap((service) =>
          proxyHosts(service, source.namespace, (port) => routesOf(service, port, source)),
        ),
        ignorePortInHost: false,
      }))
    },
  }
}

function proxyHosts(
  service: RegisteredService,
  namespace: string,
  routesOf: (port: RegisteredPort) => readonly Route[],
): readonly VirtualHost[] {
  const aliases = aliasesOf(service.identity, namespace)
  return service.ports
    .filter((port) => port.protocol !== 'tcp')
    .map((port) => ({
      name: serviceTableName(service.identity.host, port.number),
      domains: [...(port.number === 80 ? aliases : []), ...aliases.map((alias) => `${alias}:${port.number}`)],
      routes: routesOf(port),
    }))
}

interface RoutesInput {
  readonly service: RegisteredService
  readonly port: RegisteredPort
  readonly source: RouteSource
  readonly winner: RouteRules | undefined
  readonly catalog: DestinationCatalog
}

function routesFor({ service, port, source, winner, catalog }: RoutesInput): readonly Route[] {
  if (winner === undefined) return [ownRoute(service, port)]
  const context = { gateway: 'mesh', namespace: winner.namespace, port: port.number, source }
  return buildRoutes(winner, context, catalog).routes
}

const ownRoute = ({ identity }: RegisteredService, port: RegisteredPort): Route => ({
  name: 'default',
  match: matchAll,
  clusters: [{ cluster: clusterName({ host: identity.host, port: port.number }), weight: 1 }],
  retries: defaultRetries,
})

/** The oldest that names the host itself; else the oldest with the longest wildcard. */
function winnerFor(host: string, rules: readonly RouteRules[]): RouteRules | undefined {
  const exact = rules.find((candidate) => candidate.hosts.includes(host))
  if (exact !== undefined) return exact
  const wildcards = rules.flatMap((candidate) =>
    candidate.hosts.filter((pattern) => hostMatches(pattern, host)).map((pattern) => ({ candidate, pattern })),
  )
  return wildcards.toSorted((left, right) => right.pattern.length - left.pattern.length)[0]?.candidate
}

/** Rules that lose a host to older ones. */
export function hostConflicts(rules: readonly RouteRules[]): readonly Finding[] {
  const owners = new Map<string, ObjectKey>()
  return rules.flatMap((candidate) =>
    candidate.hosts.flatMap((host): readonly Finding[] => {
      const owner = owners.get(host)
      if (owner === undefined || owner === candidate.key) {
        owners.set(host, candidate.key)
        return []
      }
      const older = `${owner.namespace}/${owner.name}`
      const message = `spec.hosts: ${host} is routed by the older VirtualService ${older}; merge the two or delete one`
      return [{ object: candidate.key, reason: 'Conflict', message }]
    }),
  )
}
