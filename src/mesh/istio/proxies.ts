import { httpProxyPort, type Namespace, type Pod } from '../../api/index.ts'
import { findOrMake, type Keep, keepLast, remember } from '../../base/index.ts'
import {
  type Cluster,
  connectionRoutes,
  type Finding,
  type InboundListener,
  type MeshProxy,
  nodeId,
  type OutboundListener,
} from '../model/index.ts'
import { capturedListeners, httpPortNumbers } from './captured.ts'
import type { ClientCredentials } from './client-credentials.ts'
import type { GatewayRules } from './gateway.ts'
import { buildGatewayListeners, type CredentialOf, distinctUses } from './gateway-listeners.ts'
import { createServiceIndex, inboundListeners, type ServicesOf } from './inbound.ts'
import { isIntercepted } from './interception.ts'
import { localityOf } from './locality.ts'
import { type MeshRoutes, proxyTableName } from './mesh-routes.ts'
import { type PlacedListeners, placedListeners, withPlaced } from './placed-listeners.ts'
import type { Reach } from './reach.ts'
import { isTcp, outboundListeners, type ReachedPort, reachedPorts } from './reached-ports.ts'
import type { RegisteredService } from './registry.ts'
import type { RouteSource } from './route-match.ts'
import { catalogOf, type Scope, type Scopes } from './scope.ts'
import type { Security } from './security.ts'
import type { Telemetries } from './telemetry.ts'
import { isGateway, isMeshed, isProxyless, labelsContain, namespaceOf, workloadOf } from './workload.ts'

export interface ProxiesInput {
  readonly pods: readonly Pod[]
  readonly namespaces: readonly Namespace[]
  readonly services: ReadonlyMap<string, RegisteredService>
  readonly gateways: readonly GatewayRules[]
  readonly scopes: Scopes
  readonly reach: Reach
  readonly security: Security
  readonly telemetry: Telemetries
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

/**
 * A proxy for every meshed pod that has an address. A sidecar that is made of the same things as before is the very
 * same.
 */
export function createProxyBuilder(): (input: ProxiesInput) => readonly BuiltProxy[] {
  const keepIndex = keepLast<ServicesOf>()
  const memoryOf = remember(createPodMemory)
  const captured = createCapture()
  return (input) => {
    const servicesOf = keepIndex([input.services], () => createServiceIndex(input.services))
    return buildProxies({ ...input, servicesOf, memoryOf, captured })
  }
}

interface Building extends ProxiesInput {
  readonly servicesOf: ServicesOf
  readonly memoryOf: (pod: Pod) => PodMemory
  readonly captured: Captured
}

/** What was last made for a pod. */
interface PodMemory {
  readonly reached: Keep<readonly ReachedPort[]>
  readonly outbound: Keep<readonly OutboundListener[]>
  readonly inbound: Keep<readonly InboundListener[]>
  readonly identity: Keep<ReturnType<typeof identityOf>>
  readonly proxy: Keep<MeshProxy>
}

const createPodMemory = (_: Pod): PodMemory => ({
  reached: keepLast(),
  outbound: keepLast(),
  inbound: keepLast(),
  identity: keepLast(),
  proxy: keepLast(),
})

function buildProxies(input: Building): readonly BuiltProxy[] {
  const namespaces = new Map(input.namespaces.map((namespace) => [namespace.metadata.name, namespace]))
  return input.pods
    .filter((pod) => isMeshed(pod, namespaces.get(namespaceOf(pod))))
    .flatMap((pod) => {
      const address = pod.status?.podIP
      if (address === undefined || hasEnded(pod)) return []
      return [buildProxy(pod, address, input)]
    })
}

function buildProxy(pod: Pod, address: string, input: Building): BuiltProxy {
  if (isGateway(pod)) return withCredentials(buildGateway(pod, address, input), input)
  // A gRPC library is given no certificate and speaks no TLS.
  if (isProxyless(pod)) return { proxy: buildProxyless(pod, address, input), findings: [] }
  return withCredentials({ proxy: buildSidecar(pod, address, input), findings: [] }, input)
}

function withCredentials(built: BuiltProxy, input: ProxiesInput): BuiltProxy {
  const { proxy, findings } = built
  const { clusters = input.clusters, workload } = proxy
  const needed = input.clientCredentials(clusters, workload.namespace)
  if (needed.credentials.length === 0) return built
  const credentials = distinctUses([...(proxy.credentials ?? []), ...needed.credentials])
  return {
    proxy: { ...proxy, ...(needed.clusters === clusters ? {} : { clusters: needed.clusters }), credentials },
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
  const security = input.security.of(pod)
  const proxy = {
    ...identityOf(pod, address, 'gateway'),
    ...input.reach.clusters(scope, { routeTables: tables, outbound: listeners }),
    ...(credentials.length === 0 ? {} : { credentials }),
    ...(security === undefined ? {} : { security }),
    ...telemetryOf(pod, input),
    inbound: [],
    outbound: listeners,
    routeTables: tables,
  }
  return { proxy, findings }
}

function telemetryOf(pod: Pod, input: ProxiesInput): Pick<MeshProxy, 'telemetry'> {
  const telemetry = input.telemetry.of(pod)
  return telemetry === undefined ? {} : { telemetry }
}

function buildProxyless(pod: Pod, address: string, input: ProxiesInput): MeshProxy {
  const source = sourceOf(pod)
  const scope = input.scopes.ofSidecar(source)
  const { apiListeners, routeTables } = input.reach.routes(scope).apiTables(source)
  const clusters = input.reach.clusters(scope, { routeTables, outbound: [] })
  return { ...identityOf(pod, address, 'proxyless'), ...clusters, inbound: [], outbound: [], apiListeners, routeTables }
}

function buildIntercepted(pod: Pod, address: string, input: Building): MeshProxy {
  const source = sourceOf(pod)
  const scope = input.scopes.ofSidecar(source)
  const routes = input.reach.routes(scope)
  const memory = input.memoryOf(pod)
  const placed = placedListeners(scope, { routes, source, isIntercepted: true })
  const captured = input.captured(scope, routes, source)
  const outbound = memory.outbound([captured, ...placedOf(scope, placed)], () => withPlaced(captured, placed.listeners))
  const routeTables = [...httpPortsIn(scope.reached).map((port) => routes.portTable(port, source)), ...placed.tables]
  const { clusters } = input.reach.clusters(scope, { routeTables, outbound })
  const interception = { unknownHosts: scope.unknownHosts, otherPorts: input.security.mutualTlsOf(pod, 0) }
  const inbound = inboundOf(pod, address, input, scope)
  const security = input.security.of(pod)
  const telemetry = telemetryOf(pod, input)
  const madeOf = [address, ...Object.values(interception), clusters, inbound, security, telemetry.telemetry, outbound]
  return memory.proxy([...madeOf, ...routeTables], () => ({
    ...memory.identity([address], () => identityOf(pod, address, 'sidecar')),
    ...(clusters === undefined ? {} : { clusters }),
    interception,
    inbound,
    ...(security === undefined ? {} : { security }),
    ...telemetry,
    outbound,
    routeTables,
  }))
}

/** Sidecars of one scope that read the same rules share them. */
type Captured = (scope: Scope, routes: MeshRoutes, source: RouteSource) => readonly OutboundListener[]

function createCapture(): Captured {
  const madeWith = remember((_: MeshRoutes) => new Map<string, readonly OutboundListener[]>())
  const lastOf = remember((_: Scope['reached']) => new Map<string, Keep<readonly OutboundListener[]>>())
  return ({ key, reached }, routes, source) => {
    const asker = `${key}|${routes.sourceKey(source)}`
    return findOrMake(madeWith(routes), asker, () => {
      const made = capturedListeners(reached, (service, port, address) =>
        routes.tcpRoute(service, port, { source, address }),
      )
      // Where they listen follows from what is reached.
      const madeOf = made.flatMap((listener): readonly unknown[] => [listener.kind, ...connectionRoutes(listener)])
      return findOrMake(lastOf(reached), asker, () => keepLast())(madeOf, () => made)
    })
  }
}

function buildSidecar(pod: Pod, address: string, input: Building): MeshProxy {
  if (isIntercepted(pod)) return buildIntercepted(pod, address, input)
  const source = sourceOf(pod)
  const scope = input.scopes.ofSidecar(source)
  const routes = input.reach.routes(scope)
  const memory = input.memoryOf(pod)
  const reached = memory.reached([scope.reached], () => reachedPorts(pod, scope.reached))
  const [tcp, http] = [reached.filter(isTcp), reached.filter((each) => !isTcp(each))]
  const placed = placedListeners(scope, { routes, source, isIntercepted: false })
  const routeTables = [
    ...http.map(({ service, port }) => routes.serviceTable(service, port, source)),
    ...placed.tables,
    routes.proxyTable(source),
  ]
  const tcpRoutes = tcp.map(({ service, port, bind }) => routes.tcpRoute(service, port, { source, address: bind }))
  const outbound = memory.outbound([address, reached, ...tcpRoutes, ...placedOf(scope, placed)], () => [
    ...withPlaced(outboundListeners(reached, tcpRoutes), placed.listeners),
    { kind: 'http', bind: { address, port: httpProxyPort }, routeTable: proxyTableName },
  ])
  const { clusters } = input.reach.clusters(scope, { routeTables, outbound })
  const inbound = inboundOf(pod, address, input, scope)
  const security = input.security.of(pod)
  const telemetry = telemetryOf(pod, input)
  return memory.proxy([address, clusters, inbound, security, telemetry.telemetry, outbound, ...routeTables], () => ({
    ...memory.identity([address], () => identityOf(pod, address, 'sidecar')),
    ...(clusters === undefined ? {} : { clusters }),
    inbound,
    ...(security === undefined ? {} : { security }),
    ...telemetry,
    outbound,
    routeTables,
  }))
}

/** What listeners at addresses of their own are made of. */
const placedOf = (scope: Scope, { listeners }: PlacedListeners): readonly unknown[] => [
  scope.placed,
  scope.sidecar,
  ...listeners.flatMap((listener): readonly unknown[] => [listener.kind, ...connectionRoutes(listener)]),
]

function inboundOf(pod: Pod, address: string, input: Building, scope: Scope): readonly InboundListener[] {
  const { servicesOf, security } = input
  return input
    .memoryOf(pod)
    .inbound([address, scope.ingress, scope.sidecar, servicesOf, security.mutualTlsOf], () =>
      inboundListeners({ pod, address, scope, servicesOf, security }),
    )
}

const httpPortsIn = remember(httpPortNumbers)
