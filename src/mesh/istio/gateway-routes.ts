import type { RouteTable, VirtualHost } from '../model/index.ts'
import type { GatewayRules, GatewayServer } from './gateway.ts'
import { narrowerHost } from './hosts.ts'
import type { RouteSource } from './route-match.ts'
import { buildRoutes, type DestinationCatalog, type RouteRules } from './virtual-service.ts'

export const gatewayTableName = (port: number): string => `http.${port}`

export interface GatewayRoutesInput {
  readonly catalog: DestinationCatalog
  readonly rules: readonly RouteRules[]
  /** The Gateways that select the workload, oldest first. */
  readonly gateways: readonly GatewayRules[]
  readonly source: RouteSource
}

/** One table per port, merged over all Gateways of the workload. */
export function buildGatewayTables(input: GatewayRoutesInput): ReadonlyMap<number, RouteTable> {
  const servers = Map.groupBy(
    input.gateways.flatMap((gateway) => gateway.servers),
    (server) => server.port,
  )
  const tables = [...servers].sort(([left], [right]) => left - right)
  return new Map(tables.map(([port, group]) => [port, buildTable(port, group, input)]))
}

function buildTable(port: number, servers: readonly GatewayServer[], input: GatewayRoutesInput): RouteTable {
  const hosts = new Map<string, VirtualHost>()
  for (const server of servers) {
    const gateway = `${server.gateway.namespace}/${server.gateway.name}`
    for (const rules of input.rules.filter((candidate) => candidate.gateways.includes(gateway))) {
      const context = { gateway, namespace: rules.namespace, port, source: input.source }
      const { routes } = buildRoutes(rules, context, input.catalog)
      for (const host of servedHosts(rules, server)) hosts.set(host, merge(hosts.get(host), host, routes))
    }
  }
  return { name: gatewayTableName(port), virtualHosts: [...hosts.values()], ignorePortInHost: true }
}

function servedHosts(rules: RouteRules, server: GatewayServer): readonly string[] {
  const served = server.hosts
    .filter(({ namespace }) => namespace === undefined || namespace === rules.namespace)
    .flatMap(({ pattern }) => rules.hosts.map((host) => narrowerHost(host, pattern)))
  return [...new Set(served.filter((host) => host !== undefined))]
}

/** Two objects for one host: the older one's routes are asked first, as in Istio. */
const merge = (older: VirtualHost | undefined, host: string, routes: VirtualHost['routes']): VirtualHost => ({
  name: host,
  domains: [host],
  routes: [...(older?.routes ?? []), ...routes],
})
