import { canonicalJson, keepLast } from '../../base/index.ts'
import type { Finding, Mesh, TelemetryDefaults } from '../model/index.ts'
import { createClientCredentials } from './client-credentials.ts'
import { type ClusterObjects, createListKeeper } from './cluster-objects.ts'
import { createDestinationCheck } from './destination-check.ts'
import { createDestinationRuleReader } from './destination-rule.ts'
import { createClusterBuilder } from './destinations.ts'
import { readGateways } from './gateway.ts'
import { healthCheckFindings } from './health-check.ts'
import { hostConflicts } from './mesh-routes.ts'
import { createProxyBuilder } from './proxies.ts'
import { createReachBuilder } from './reach.ts'
import { createRegistryBuilder } from './registry.ts'
import { createScopeReader } from './scope.ts'
import { createSecurityReader, type Security } from './security.ts'
import { registerServiceEntries } from './service-entry.ts'
import { readSidecars, type Sidecars } from './sidecar.ts'
import { createTelemetryReader } from './telemetry.ts'
import { readVirtualServices } from './virtual-service.ts'

export type Translation = (objects: ClusterObjects) => Mesh

/** Everything the proxies are to know, and what is wrong with the objects. Equal input gives equal output. */
export const translate = (objects: ClusterObjects, defaults?: TelemetryDefaults): Mesh =>
  createTranslation(defaults)(objects)

/**
 * Translates state after state of a cluster. What is made of the very same objects as the last time is the very same,
 * and is not made again; the outcome is that of `translate`.
 */
export function createTranslation(defaults: TelemetryDefaults = { accessLog: false }): Translation {
  const keepLists = createListKeeper()
  const readSecurity = createSecurityReader()
  const readTelemetries = createTelemetryReader(defaults)
  const buildServices = createServiceBuilder()
  const readDestinations = createDestinationRuleReader()
  const keepGateways = keepLast<ReturnType<typeof readGateways>>()
  const keepSidecars = keepLast<Sidecars>()
  const readScopes = createScopeReader()
  const clustersOf = createClusterBuilder()
  const reachOf = createReachBuilder(clustersOf)
  const buildProxies = createProxyBuilder()
  const findProblems = createDestinationCheck()
  return (given) => {
    const objects = keepLists(given)
    const security = readSecurity(objects)
    const telemetry = readTelemetries(objects.telemetries)
    const { services, findings: serviceFindings } = buildServices({ ...objects, ...security })
    const destinations = readDestinations(objects.destinationRules, services)
    const { gateways, findings: gatewayFindings } = keepGateways([objects.gateways], () =>
      readGateways(objects.gateways),
    )
    const { rules, findings: ruleFindings } = readVirtualServices(objects.virtualServices)
    const sidecars = keepSidecars([objects.sidecars, services], () =>
      readSidecars(objects.sidecars, [...services.values()]),
    )
    const scopes = readScopes({ services, rules, destinations, sidecars })
    const clusters = clustersOf(services, destinations.all)
    const clientCredentials = createClientCredentials({ ...objects, placesOf: destinations.credentialsOf })
    const said = { security, telemetry, clusters, clientCredentials }
    const built = buildProxies({ ...objects, ...said, services, gateways, scopes, reach: reachOf(services) })
    const catalog = { services, policies: destinations.all.policies }
    return {
      clusters,
      proxies: built.map(({ proxy }) => proxy),
      findings: [
        ...security.findings,
        ...telemetry.findings,
        ...serviceFindings,
        ...destinations.findings,
        ...gatewayFindings,
        ...distinct(built.flatMap(({ findings }) => findings)),
        ...ruleFindings,
        ...sidecars.findings,
        ...hostConflicts(rules.filter((candidate) => candidate.gateways.includes('mesh'))),
        ...rules.flatMap((candidate) => findProblems(candidate, catalog, gateways)),
      ],
    }
  }
}

type ServicesInput = Pick<
  ClusterObjects,
  'services' | 'endpointSlices' | 'pods' | 'serviceEntries' | 'workloadEntries'
> &
  Pick<Security, 'takesMutualTls'>

/** Services of the cluster and those of ServiceEntries. */
function createServiceBuilder(): (input: ServicesInput) => ReturnType<typeof registerServiceEntries> {
  const buildRegistry = createRegistryBuilder()
  const keep = keepLast<ReturnType<typeof registerServiceEntries>>()
  return (input) => {
    const known = buildRegistry(input)
    const { serviceEntries, workloadEntries, pods, takesMutualTls, services } = input
    return keep([known, serviceEntries, workloadEntries, pods, takesMutualTls, services], () => {
      const registered = registerServiceEntries(input, known)
      return { ...registered, findings: [...healthCheckFindings(services), ...registered.findings] }
    })
  }
}

/** Pods of one gateway find the same. */
const distinct = (findings: readonly Finding[]): readonly Finding[] => [
  ...new Map(findings.map((finding) => [canonicalJson(finding), finding])).values(),
]
