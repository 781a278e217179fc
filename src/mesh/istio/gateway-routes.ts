import type { RouteTable, TcpRoute, VirtualHost } from '../model/index.ts'
import type { GatewayServer } from './gateway.ts'
import { narrowerHost } from './hosts.ts'
import type { RouteSource } from './route-match.ts'
import { buildTcpRoute } from './tcp-routes.ts'
import { buildRoutes, type DestinationCatalog, type RouteRules } from './virtual-service.ts'

export interface GatewayRoutesInput {
  readonly catalog: DestinationCatalog
  readonly rules: readonly RouteRules[]
  readonly source: RouteSource
}

/** Of all servers of a port that do not speak TLS. */
export const plainTableName = (port: number): string => `http.${port}`

/** Of one server that does. Istio's form. */
export const tlsTableName = ({ port, portName, gateway }: GatewayServer): string =>
  `https.${port}.${portName}.${gateway.name}.${gateway.namespace}`

/** What is served under the hosts of these servers, which share a port. */
export function buildGatewayTable(
  name: string,
  servers: readonly GatewayServer[],
  input: GatewayRoutesInput,
): RouteTable {
  const hosts = new Map<string, VirtualHost>()
  const add = (said: string, routes: VirtualHost['routes'], server: GatewayServer) => {
    // Envoy refuses a table that has a domain twice, in whatever letters.
    const host = said.toLowerCase()
    hosts.set(host, merge(hosts.get(host), { name: host, domains: [host], routes }, server))
  }
  for (const server of servers) {
    const gateway = `${server.gateway.namespace}/${server.gateway.name}`
    for (const rules of input.rules.filter((candidate) => candidate.gateways.includes(gateway))) {
      const context = { gateway, namespace: rules.namespace, port: server.port, source: input.source }
      const { routes } = buildRoutes(rules, context, input.catalog)
      for (const host of servedHosts(rules, server)) add(host, routes, server)
    }
    // Who is only sent elsewhere needs no route.
    if (server.redirectsToTls) for (const { pattern } of server.hosts) add(pattern, [], server)
  }
  return { name, virtualHosts: [...hosts.values()], ignorePortInHost: true }
}

function servedHosts(rules: RouteRules, server: GatewayServer): readonly string[] {
  const served = server.hosts
    .filter(({ namespace }) => namespace === undefined || namespace === rules.namespace)
    .flatMap(({ pattern }) => rules.hosts.map((host) => narrowerHost(host, pattern)))
  return [...new Set(served.filter((host) => host !== undefined))]
}

/** Where the connections to a port for TCP go: the first route of the first server that takes them. */
export function buildGatewayConnections(
  servers: readonly GatewayServer[],
  input: GatewayRoutesInput,
  address: string,
): TcpRoute | undefined {
  for (const server of servers) {
    const gateway = `${server.gateway.namespace}/${server.gateway.name}`
    const bound = input.rules.filter((candidate) => candidate.gateways.includes(gateway))
    for (const rules of bound.filter((candidate) => servedHosts(candidate, server).length > 0)) {
      const context = { gateway, namespace: rules.namespace, port: server.port, source: input.source }
      const { route } = buildTcpRoute(rules, { ...context, addresses: [address] }, input.catalog)
      if (route !== undefined) return route
    }
  }
  return undefined
}

/** Two objects for one host: the older one's routes are asked first, as in Istio. */
const merge = (
  older: VirtualHost | undefined,
  next: VirtualHost,
  { redirectsToTls }: Pick<GatewayServer, 'redirectsToTls'>,
): VirtualHost => ({
  ...next,
  ...(redirectsToTls || older?.requiresTls === true ? { requiresTls: true } : {}),
  routes: [...(older?.routes ?? []), ...next.routes],
})
