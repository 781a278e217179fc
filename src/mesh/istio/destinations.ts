import { failure, type Result, remember, success } from '../../base/index.ts'
import { type Cluster, clusterName, directClusterName, type HashKey, type TrafficPolicy } from '../model/index.ts'
import type { DestinationPolicy, DestinationView } from './destination-rule.ts'
import { resolveHost } from './hosts.ts'
import type { RegisteredEndpoint, RegisteredPort, RegisteredService } from './registry.ts'
import type { DestinationSpec } from './supported.ts'
import { defaultPolicies, type PortPolicies, policyOf } from './traffic-policy.ts'

export type ClustersOf = (services: ReadonlyMap<string, RegisteredService>, view: DestinationView) => readonly Cluster[]

/**
 * Builds the clusters of Services: one per port and one per port and subset. What views share is one object, and so is
 * what is made of the same Service and policy as before.
 */
export function createClusterBuilder(): ClustersOf {
  const ofService = remember((service: RegisteredService) =>
    remember((policy: DestinationPolicy) => buildClusters(service, policy === noPolicy ? undefined : policy)),
  )
  const build = remember((services: ReadonlyMap<string, RegisteredService>) =>
    remember(({ policies }: DestinationView) =>
      [...services.values()].flatMap((service) => ofService(service)(policies.get(service.identity.host) ?? noPolicy)),
    ),
  )
  return (services, view) => build(services)(view)
}

const noPolicy: DestinationPolicy = { ...defaultPolicies, subsets: [], origins: [] }

function buildClusters(service: RegisteredService, policy: DestinationPolicy | undefined): readonly Cluster[] {
  const origins = originsOf(service, policy)
  return service.ports.flatMap((port) =>
    [
      buildCluster(service, port, policy ?? defaultPolicies),
      ...(policy?.subsets ?? []).map((subset) => buildCluster(service, port, subset)),
      ...directClusters(service, port, policy ?? defaultPolicies),
    ].map((cluster) => ({ ...cluster, ...origins })),
  )
}

function originsOf({ origin }: RegisteredService, policy: DestinationPolicy | undefined): Pick<Cluster, 'origins'> {
  const origins = [...(origin === undefined ? [] : [origin]), ...(policy?.origins ?? [])]
  return origins.length === 0 ? {} : { origins }
}

function buildCluster(
  { identity, identities = [], healthCheck }: RegisteredService,
  { number, protocol, resolution, endpoints }: RegisteredPort,
  variant: PortPolicies & { readonly name?: string; readonly labels?: Readonly<Record<string, string>> },
): Cluster {
  const wanted = Object.entries(variant.labels ?? {})
  const policy = policyOf(variant, number)
  const isWanted = (endpoint: RegisteredEndpoint) => wanted.every(([key, value]) => endpoint.labels[key] === value)
  return {
    name: clusterName({ host: identity.host, port: number, subset: variant.name }),
    service: identity,
    port: number,
    ...(variant.name === undefined ? {} : { subset: variant.name }),
    protocol: protocol === 'http' && policy.connectionPool?.upgradesToHttp2 === true ? 'http2' : protocol,
    ...(resolution === undefined ? {} : { resolution }),
    identities,
    ...(healthCheck === undefined ? {} : { healthCheck }),
    ...policy,
    endpoints: endpoints.filter(isWanted).map(({ labels: _, ...endpoint }) => endpoint),
  }
}

/** To the pods of a Service that has no address of its own: which of them is chosen by whoever connects. */
function directClusters(
  service: RegisteredService,
  port: RegisteredPort,
  policies: PortPolicies,
): readonly Omit<Cluster, 'origins'>[] {
  if (service.isHeadless !== true || port.protocol !== 'tcp') return []
  const { consistentHash: _, warmUp: __, ...cluster } = buildCluster(service, port, policies)
  const name = directClusterName({ host: service.identity.host, port: port.number })
  return [{ ...cluster, name, loadBalancing: 'passthrough' }]
}

export interface DestinationContext {
  readonly services: ReadonlyMap<string, RegisteredService>
  readonly policies: DestinationView['policies']
  /** Of the VirtualService. */
  readonly namespace: string
  /** Where the request came in: the port of a destination that names none and has several. */
  readonly port: number
}

export interface ResolvedDestination {
  readonly cluster: string
  readonly policy: TrafficPolicy
  readonly hashKey?: HashKey
}

/** What requests for the destination need, or why there is no such destination. */
export function resolveDestination(
  destination: DestinationSpec,
  context: DestinationContext,
): Result<ResolvedDestination> {
  const host = resolveHost(destination.host, context.namespace)
  const service = context.services.get(host)
  if (service === undefined) return failure(`there is no Service ${host}`)
  const port = portOf(service, destination, context.port)
  if (port === undefined) return failure(portMissing(service, destination))
  const { subset } = destination
  const policy = context.policies.get(host)
  const named = subset === undefined ? policy : policy?.subsets.find(({ name }) => name === subset)
  if (subset !== undefined && named === undefined) {
    return failure(`no DestinationRule gives ${host} a subset "${subset}"`)
  }
  const cluster = clusterName({ host, port: port.number, subset })
  return success({
    cluster,
    policy: policyOf(named ?? defaultPolicies, port.number),
    ...hashKeyOf(named, port.number),
  })
}

/** The key by which the policy chooses endpoints, where it does. */
export function hashKeyOf(policies: PortPolicies | undefined, port: number): { readonly hashKey?: HashKey } {
  const key = policyOf(policies ?? defaultPolicies, port).consistentHash?.key
  return key === undefined ? {} : { hashKey: key }
}

function portOf(
  service: RegisteredService,
  destination: DestinationSpec,
  incoming: number,
): RegisteredPort | undefined {
  const named = destination.port?.number
  if (named === undefined && service.ports.length === 1) return service.ports[0]
  return service.ports.find((port) => port.number === (named ?? incoming))
}

function portMissing({ identity, ports }: RegisteredService, destination: DestinationSpec): string {
  const known = ports.map((port) => port.number).join(', ') || 'none'
  const named = destination.port?.number
  return named === undefined
    ? `Service ${identity.host} has several ports (${known}): name one in destination.port.number`
    : `Service ${identity.host} has no port ${named} (it has ${known})`
}
