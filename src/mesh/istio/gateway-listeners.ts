import { reachablePort } from '../../api/index.ts'
import type { CredentialUse, Finding, OutboundListener, RouteTable, ServerTls, TlsServer } from '../model/index.ts'
import type { GatewayRules, GatewayServer } from './gateway.ts'
import {
  buildGatewayConnections,
  buildGatewayTable,
  type GatewayRoutesInput,
  plainTableName,
  tlsTableName,
} from './gateway-routes.ts'

/** What was read of a Secret. Without a problem it may still be on its way. */
export interface FoundCredential {
  readonly isUsable: boolean
  /** Why it cannot be used, or what was read last and is used still. */
  readonly problem?: string
}

export type CredentialOf = (use: CredentialUse) => FoundCredential

export interface GatewayListenersInput extends GatewayRoutesInput {
  /** The Gateways that select the workload, oldest first. */
  readonly gateways: readonly GatewayRules[]
  readonly address: string
  /** Of the gateway's pod: where its Secrets are. */
  readonly namespace: string
  readonly credentialOf: CredentialOf
}

export interface GatewayListeners {
  readonly listeners: readonly OutboundListener[]
  readonly tables: readonly RouteTable[]
  readonly credentials: readonly CredentialUse[]
  readonly findings: readonly Finding[]
}

/** One listener per port, merged over all Gateways of the workload. */
export function buildGatewayListeners(input: GatewayListenersInput): GatewayListeners {
  const servers = Map.groupBy(
    input.gateways.flatMap((gateway) => gateway.servers),
    (server) => server.port,
  )
  const ports = [...servers]
    .sort(([left], [right]) => left - right)
    .map(([port, group]) => buildPort(port, group, input))
  return {
    listeners: ports.flatMap(({ listeners }) => listeners),
    tables: ports.flatMap(({ tables }) => tables),
    credentials: distinctUses(ports.flatMap(({ credentials }) => credentials)),
    findings: ports.flatMap(({ findings }) => findings),
  }
}

function buildPort(port: number, servers: readonly GatewayServer[], input: GatewayListenersInput): GatewayListeners {
  const protocol = servers[0]?.protocol ?? 'http'
  const [own, others] = [
    servers.filter((server) => server.protocol === protocol),
    servers.filter((server) => server.protocol !== protocol),
  ]
  const owner = servers[0]?.gateway
  const findings = others.map(({ gateway, path }): Finding => {
    const message = `${path}.port: ${port} is served as ${protocol.toUpperCase()} for the Gateway ${owner?.namespace}/${owner?.name} already`
    return { object: gateway, reason: 'Conflict', message }
  })
  const built = builders[protocol](port, own, input)
  return { ...built, findings: [...findings, ...built.findings] }
}

const placeOf = (servers: readonly GatewayServer[], { address }: GatewayListenersInput, port: number) => ({
  bind: { address, port: reachablePort(address, port) },
  origins: [...new Set(servers.map(({ gateway }) => gateway))],
})

function buildPlainPort(
  port: number,
  servers: readonly GatewayServer[],
  input: GatewayListenersInput,
): GatewayListeners {
  const table = buildGatewayTable(plainTableName(port), servers, input)
  const listener: OutboundListener = { kind: 'http', ...placeOf(servers, input, port), routeTable: table.name }
  return { listeners: [listener], tables: [table], credentials: [], findings: [] }
}

/** Nobody listens where no route takes the connections. */
function buildTcpPort(port: number, servers: readonly GatewayServer[], input: GatewayListenersInput): GatewayListeners {
  const route = buildGatewayConnections(servers, input, input.address)
  const listeners: readonly OutboundListener[] =
    route === undefined ? [] : [{ kind: 'tcp', ...placeOf(servers, input, port), route }]
  return { listeners, tables: [], credentials: [], findings: [] }
}

/** A server without its Secret is left out, so that the others are served. */
function buildTlsPort(port: number, servers: readonly GatewayServer[], input: GatewayListenersInput): GatewayListeners {
  const owners = new Map<string, GatewayServer>()
  const built = servers.map((server) => buildTlsServer(server, takeHosts(server, owners), input))
  const chains = built.flatMap(({ chain }) => chain ?? [])
  return {
    listeners: chains.length === 0 ? [] : [{ kind: 'https', ...placeOf(servers, input, port), servers: chains }],
    tables: built.flatMap(({ table }) => table ?? []),
    credentials: built.flatMap(({ credentials }) => credentials),
    findings: built.flatMap(({ findings }) => findings),
  }
}

const builders = { http: buildPlainPort, https: buildTlsPort, tcp: buildTcpPort }

interface TakenHosts {
  readonly free: readonly string[]
  readonly findings: readonly Finding[]
}

/** Envoy refuses a listener of which two servers have one name: the older has it. */
function takeHosts(server: GatewayServer, owners: Map<string, GatewayServer>): TakenHosts {
  const patterns = [...new Set(server.hosts.map(({ pattern }) => pattern))]
  const findings = patterns.flatMap((pattern): readonly Finding[] => {
    const owner = owners.get(pattern)
    if (owner === undefined) return []
    return [{ object: server.gateway, reason: 'Conflict', message: `${server.path}.hosts: ${ownedBy(pattern, owner)}` }]
  })
  const free = patterns.filter((pattern) => !owners.has(pattern))
  for (const pattern of free) owners.set(pattern, server)
  return { free, findings }
}

interface BuiltServer {
  readonly chain?: TlsServer
  readonly table?: RouteTable
  readonly credentials: readonly CredentialUse[]
  readonly findings: readonly Finding[]
}

function buildTlsServer(
  server: GatewayServer,
  { free, findings: conflicts }: TakenHosts,
  input: GatewayListenersInput,
): BuiltServer {
  const { tls, gateway: object, path } = server
  if (tls === undefined || free.length === 0) return { credentials: [], findings: conflicts }
  const credentials = usesOf(tls, input.namespace)
  const found = credentials.map(input.credentialOf)
  const problems = [...new Set(found.flatMap((each) => each.problem ?? []))].map((problem): Finding => {
    return { object, reason: 'CredentialUnavailable', message: `${path}.tls.credentialName: ${problem}` }
  })
  const findings = [...conflicts, ...problems]
  if (!found.every(({ isUsable }) => isUsable)) return { credentials, findings }
  const table = buildGatewayTable(tlsTableName(server), [server], input)
  // A name that stands for all has no name to be told apart by.
  const chain = { serverNames: free.includes('*') ? [] : free, routeTable: table.name, tls }
  return { chain, table, credentials, findings }
}

const ownedBy = (pattern: string, { gateway, port, path }: GatewayServer): string =>
  `${pattern} is served on port ${port} for ${path} of the Gateway ${gateway.namespace}/${gateway.name} already`

const usesOf = ({ credential, clientCertificates }: ServerTls, namespace: string): readonly CredentialUse[] => [
  { namespace, name: credential, holds: 'certificate' },
  ...(clientCertificates === 'ignored' ? [] : [{ namespace, name: credential, holds: 'authority' } as const]),
]

export const distinctUses = (uses: readonly CredentialUse[]): readonly CredentialUse[] =>
  [...new Map(uses.map((use) => [`${use.namespace}/${use.name}/${use.holds}`, use])).entries()]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([, use]) => use)
