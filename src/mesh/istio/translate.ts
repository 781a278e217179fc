import type {
  DestinationRule,
  EndpointSlice,
  Gateway,
  Namespace,
  Pod,
  Service,
  ServiceEntry,
  Sidecar,
  VirtualService,
  WorkloadEntry,
} from '../../api/index.ts'
import { canonicalJson } from '../../base/index.ts'
import type { Finding, Mesh, Protocol } from '../model/index.ts'
import { createClientCredentials } from './client-credentials.ts'
import { readDestinationRules } from './destination-rule.ts'
import { type GatewayRules, readGateways } from './gateway.ts'
import type { CredentialOf } from './gateway-listeners.ts'
import { healthCheckFindings } from './health-check.ts'
import { hostConflicts } from './mesh-routes.ts'
import { buildProxies } from './proxies.ts'
import { createReach } from './reach.ts'
import { buildRegistry } from './registry.ts'
import { createScopes } from './scope.ts'
import { readSecurity, type SecurityObjects } from './security.ts'
import { registerServiceEntries } from './service-entry.ts'
import { readSidecars } from './sidecar.ts'
import { buildTcpRoute } from './tcp-routes.ts'
import { buildRoutes, type DestinationCatalog, type RouteRules, readVirtualServices } from './virtual-service.ts'

/** The cluster as the mesh sees it. */
export interface ClusterObjects extends SecurityObjects {
  readonly services: readonly Service[]
  readonly endpointSlices: readonly EndpointSlice[]
  readonly pods: readonly Pod[]
  readonly namespaces: readonly Namespace[]
  readonly virtualServices: readonly VirtualService[]
  readonly destinationRules: readonly DestinationRule[]
  readonly gateways: readonly Gateway[]
  readonly sidecars: readonly Sidecar[]
  readonly serviceEntries: readonly ServiceEntry[]
  readonly workloadEntries: readonly WorkloadEntry[]
  /** What was read of the Secrets that proxies need. */
  readonly credentialOf: CredentialOf
}

/** The lists of objects that users write for the mesh, as against those that it merely finds. */
export const configurationLists = [
  'virtualServices',
  'destinationRules',
  'gateways',
  'sidecars',
  'serviceEntries',
  'workloadEntries',
  'peerAuthentications',
  'authorizationPolicies',
  'requestAuthentications',
] as const satisfies readonly (keyof ClusterObjects)[]

/** Everything the proxies are to know, and what is wrong with the objects. Equal input gives equal output. */
export function translate(objects: ClusterObjects): Mesh {
  const security = readSecurity(objects)
  const endpointsOf = { ...objects, takesMutualTls: security.takesMutualTls }
  const { services, findings: entryFindings } = registerServiceEntries(endpointsOf, buildRegistry(endpointsOf))
  const destinations = readDestinationRules(objects.destinationRules, services)
  const { gateways, findings: gatewayFindings } = readGateways(objects.gateways)
  const { rules, findings: ruleFindings } = readVirtualServices(objects.virtualServices)
  const sidecars = readSidecars(objects.sidecars, [...services.values()])
  const inMesh = rules.filter((candidate) => candidate.gateways.includes('mesh'))
  const scopes = createScopes({ services, rules, destinations, sidecars })
  const reach = createReach(services)
  const catalog = { services, policies: destinations.all.policies }
  const clusters = reach.allClusters(destinations.all)
  const clientCredentials = createClientCredentials({ ...objects, placesOf: destinations.credentialsOf })
  const built = buildProxies({ ...objects, services, gateways, scopes, reach, security, clusters, clientCredentials })
  return {
    clusters,
    proxies: built.map(({ proxy }) => proxy),
    findings: [
      ...security.findings,
      ...healthCheckFindings(objects.services),
      ...entryFindings,
      ...destinations.findings,
      ...gatewayFindings,
      ...distinct(built.flatMap(({ findings }) => findings)),
      ...ruleFindings,
      ...sidecars.findings,
      ...hostConflicts(inMesh),
      ...rules.flatMap((candidate) => destinationFindings(candidate, catalog, gateways)),
    ],
  }
}

/** Pods of one gateway find the same. */
const distinct = (findings: readonly Finding[]): readonly Finding[] => [
  ...new Map(findings.map((finding) => [canonicalJson(finding), finding])).values(),
]

/** Asks every route of the rules once, whether or not a proxy needs it. */
function destinationFindings(
  rules: RouteRules,
  catalog: DestinationCatalog,
  gateways: readonly GatewayRules[],
): readonly Finding[] {
  const problems = placesOf(rules, catalog, gateways).flatMap(({ gateway, port, protocol }) => {
    if (protocol === 'tcp') return tcpProblems(rules, { gateway, port }, catalog)
    return rules.http.flatMap(({ match: _, ...http }, index) => {
      const context = { gateway, namespace: rules.namespace, port, source: { namespace: rules.namespace, labels: {} } }
      const { problems: found } = buildRoutes({ ...rules, http: [http] }, context, catalog)
      return found.map((problem) => problem.replace('spec.http[0]', `spec.http[${index}]`))
    })
  })
  if (problems.length === 0) return []
  return [{ object: rules.key, reason: 'DestinationNotFound', message: [...new Set(problems)].join('; ') }]
}

const tcpProblems = (rules: RouteRules, place: Omit<Place, 'protocol'>, catalog: DestinationCatalog) =>
  rules.tcp.flatMap(({ match: _, ...tcp }, index) => {
    const source = { namespace: rules.namespace, labels: {} }
    const context = { ...place, namespace: rules.namespace, source, addresses: [] }
    const { problems } = buildTcpRoute({ ...rules, tcp: [tcp] }, context, catalog)
    return problems.map((problem) => problem.replace('spec.tcp[0]', `spec.tcp[${index}]`))
  })

interface Place {
  readonly gateway: string
  readonly port: number
  readonly protocol: Protocol | 'https'
}

function placesOf(
  rules: RouteRules,
  { services }: DestinationCatalog,
  gateways: readonly GatewayRules[],
): readonly Place[] {
  const inMesh = rules.gateways.includes('mesh')
    ? rules.hosts.flatMap((host) =>
        (services.get(host)?.ports ?? []).map(({ number, protocol }) => ({ gateway: 'mesh', port: number, protocol })),
      )
    : []
  const atGateways = gateways.flatMap(({ key, servers }) => {
    const gateway = `${key.namespace}/${key.name}`
    return rules.gateways.includes(gateway) ? servers.map(({ port, protocol }) => ({ gateway, port, protocol })) : []
  })
  return [...inMesh, ...atGateways]
}
