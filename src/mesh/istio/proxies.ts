import { httpProxyPort, type Namespace, type Pod, publishedPort, serviceAddressesAnnotation } from '../../api/index.ts'
import { remember } from '../../base/index.ts'
import { type Cluster, type Finding, type MeshProxy, nodeId, type OutboundListener } from '../model/index.ts'
import { capturedListeners, httpPortNumbers } from './captured.ts'
import type { ClientCredentials } from './client-credentials.ts'
import type { GatewayRules } from './gateway.ts'
import { buildGatewayListeners, type CredentialOf, distinctUses } from './gateway-listeners.ts'
import { serviceIdentity } from './hosts.ts'
import { createServiceIndex, inboundListeners, type ServicesOf } from './inbound.ts'
import { isIntercepted } from './interception.ts'
import { localityOf } from './locality.ts'
import { proxyTableName, serviceTableName } from './mesh-routes.ts'
import { placedListeners, withPlaced } from './placed-listeners.ts'
import type { Reach } from './reach.ts'
import type { RegisteredPort, RegisteredService } from './registry.ts'
import type { RouteSource } from './route-match.ts'
import { catalogOf, type Scope, type Scopes } from './scope.ts'
import type { Security } from './security.ts'
import { isGateway, isMeshed, isProxyless, labelsContain, namespaceOf, workloadOf } from './workload.ts'

export interface ProxiesInput {
  readonly pods: readonly Pod[]
  readonly namespaces: readonly Namespace[]
  readonly services: ReadonlyMap<string, RegisteredService>
  readonly gateways: readonly GatewayRules[]
  readonly scopes: Scopes
  readonly reach: Reach
  readonly security: Security
  readonly credentialOf: CredentialOf
  readonly clientCredentials: ClientCredentials
  /** Of the whole mesh. */
  readonly clusters: readonly Cluster[]
}

export interface BuiltProxy {
  readonly proxy: MeshProxy
  /** What is wrong with the Gateways that it serves, and with what it is to reach others by. */
  readonly findings: readonly Finding[]
}

/** A proxy for every meshed pod that has an address. */
export function buildProxies(input: ProxiesInput): readonly BuiltProxy[] {
  const namespaces = new Map(input.namespaces.map((namespace) => [namespace.metadata.name, namespace]))
  const servicesOf = createServiceIndex(input.services)
  return input.pods
    .filter((pod) => isMeshed(pod, namespaces.get(namespaceOf(pod))))
    .flatMap((pod) => {
      const address = pod.status?.podIP
      if (address === undefined || hasEnded(pod)) return []
      return [buildProxy(pod, address, input, servicesOf)]
    })
}

function buildProxy(pod: Pod, address: string, input: ProxiesInput, servicesOf: ServicesOf): BuiltProxy {
  if (isGateway(pod)) return withCredentials(buildGateway(pod, address, input), input)
  // A gRPC library is given no certificate and speaks no TLS.
  if (isProxyless(pod)) return { proxy: buildProxyless(pod, address, input), findings: [] }
  return withCredentials({ proxy: buildSidecar(pod, address, input, servicesOf), findings: [] }, input)
}

function withCredentials({ proxy, findings }: BuiltProxy, input: ProxiesInput): BuiltProxy {
  const { clusters = input.clusters, workload } = proxy
  const needed = input.clientCredentials(clusters, workload.namespace)
  const credentials = distinctUses([...(proxy.credentials ?? []), ...needed.credentials])
  return {
    proxy: {
      ...proxy,
      ...(needed.clusters === clusters ? {} : { clusters: needed.clusters }),
      ...(credentials.length === 0 ? {} : { credentials }),
    },
    findings: [...findings, ...needed.findings],
  }
}

const hasEnded = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'

const sourceOf = (pod: Pod): RouteSource => ({ namespace: namespaceOf(pod), labels: pod.metadata.labels ?? {} })

function identityOf(pod: Pod, address: string, role: MeshProxy['role']) {
  const locality = localityOf(pod)
  return {
    id: nodeId({ role, address, pod: pod.metadata.name, namespace: namespaceOf(pod) }),
    role,
    address,
    workload: workloadOf(pod),
    ...(locality === undefined ? {} : { locality }),
  }
}

function buildGateway(pod: Pod, address: string, input: ProxiesInput): BuiltProxy {
  const gateways = input.gateways.filter(({ selector }) => labelsContain(pod.metadata.labels, selector))
  const source = sourceOf(pod)
  const scope = input.scopes.ofGateway(source)
  const { listeners, tables, credentials, findings } = buildGatewayListeners({
    ...{ catalog: catalogOf(scope), rules: scope.rules, gateways, source, address },
    ...{ namespace: source.namespace, credentialOf: input.credentialOf },
  })
  const proxy = {
    ...identityOf(pod, address, 'gateway'),
    ...input.reach.clusters(scope, { routeTables: tables, outbound: listeners }),
    ...(credentials.length === 0 ? {} : { credentials }),
    inbound: [],
    outbound: listeners,
    routeTables: tables,
  }
  return { proxy, findings }
}

function buildProxyless(pod: Pod, address: string, input: ProxiesInput): MeshProxy {
  const source = sourceOf(pod)
  const scope = input.scopes.ofSidecar(source)
  const { apiListeners, routeTables } = input.reach.routes(scope).apiTables(source)
  const clusters = input.reach.clusters(scope, { routeTables, outbound: [] })
  return { ...identityOf(pod, address, 'proxyless'), ...clusters, inbound: [], outbound: [], apiListeners, routeTables }
}

function buildIntercepted(pod: Pod, address: string, input: ProxiesInput, servicesOf: ServicesOf): MeshProxy {
  const source = sourceOf(pod)
  const scope = input.scopes.ofSidecar(source)
  const routes = input.reach.routes(scope)
  const security = input.security.of(pod)
  const placed = placedListeners(scope, { routes, source, isIntercepted: true })
  const captured = capturedListeners(scope.reached, (service, port, address) =>
    routes.tcpRoute(service, port, { source, address }),
  )
  const outbound = withPlaced(captured, placed.listeners)
  const routeTables = [
    ...httpPortNumbers(scope.reached).map((port) => routes.portTable(port, source)),
    ...placed.tables,
  ]
  return {
    ...identityOf(pod, address, 'sidecar'),
    ...input.reach.clusters(scope, { routeTables, outbound }),
    interception: { unknownHosts: scope.unknownHosts, otherPorts: input.security.mutualTlsOf(pod, 0) },
    inbound: inboundListeners({ pod, address, scope, servicesOf, security: input.security }),
    ...(security === undefined ? {} : { security }),
    outbound,
    routeTables,
  }
}

function buildSidecar(pod: Pod, address: string, input: ProxiesInput, servicesOf: ServicesOf): MeshProxy {
  if (isIntercepted(pod)) return buildIntercepted(pod, address, input, servicesOf)
  const source = sourceOf(pod)
  const scope = input.scopes.ofSidecar(source)
  const reachable = reachableIn(scope)
  const routes = input.reach.routes(scope)
  const reached = serviceAddresses(pod).flatMap(({ namespace, name, address: bind }) => {
    const service = reachable.get(serviceIdentity(namespace, name).host)
    return service === undefined ? [] : uniquePorts(service).map((port) => ({ service, port, bind }))
  })
  const security = input.security.of(pod)
  const http = reached.filter(({ port }) => port.protocol !== 'tcp')
  const placed = placedListeners(scope, { routes, source, isIntercepted: false })
  const routeTables = [
    ...http.map(({ service, port }) => routes.serviceTable(service, port, source)),
    ...placed.tables,
    routes.proxyTable(source),
  ]
  const ofServices = reached.map(({ service, port, bind }): OutboundListener => {
    const at = { bind: { address: bind, port: publishedPort(port.number) }, service: service.identity }
    return port.protocol === 'tcp'
      ? { kind: 'tcp', ...at, route: routes.tcpRoute(service, port, { source, address: bind }) }
      : { kind: 'http', ...at, routeTable: serviceTableName(service.identity.host, port.number) }
  })
  const listeners = withPlaced(ofServices, placed.listeners)
  return {
    ...identityOf(pod, address, 'sidecar'),
    ...input.reach.clusters(scope, { routeTables, outbound: listeners }),
    inbound: inboundListeners({ pod, address, scope, servicesOf, security: input.security }),
    ...(security === undefined ? {} : { security }),
    outbound: [...listeners, { kind: 'http', bind: { address, port: httpProxyPort }, routeTable: proxyTableName }],
    routeTables,
  }
}

/** By host. Proxies share scopes. */
const reachableIn = remember(
  ({ reached }: Scope): ReadonlyMap<string, RegisteredService> =>
    new Map(reached.map((service) => [service.identity.host, service])),
)

/** Ports 80 and 20080 of one Service would be published as one. */
const uniquePorts = ({ ports }: RegisteredService): readonly RegisteredPort[] =>
  [...new Map(ports.toReversed().map((port) => [publishedPort(port.number), port])).values()].toReversed()

/** What the node agent wrote; text that is none of its own is no address. */
function serviceAddresses(
  pod: Pod,
): readonly { readonly namespace: string; readonly name: string; readonly address: string }[] {
  const parsed = parseJson(pod.metadata.annotations?.[serviceAddressesAnnotation] ?? '{}')
  if (typeof parsed !== 'object' || parsed === null) return []
  return Object.entries(parsed)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([key, address]) => {
      const [namespace, name] = key.split('/')
      return namespace && name && typeof address === 'string' ? [{ namespace, name, address }] : []
    })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
