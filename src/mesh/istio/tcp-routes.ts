import { clusterName, directClusterName, type TcpRoute, type TrafficPolicy } from '../model/index.ts'
import { isInRange } from './address-range.ts'
import { type ResolvedDestination, resolveDestination } from './destinations.ts'
import type { RegisteredPort, RegisteredService } from './registry.ts'
import { appliesIn, type RouteContext } from './route-match.ts'
import type { TcpMatchSpec } from './supported-tcp.ts'
import { defaultPolicies, policyOf } from './traffic-policy.ts'
import type { DestinationCatalog, RouteRules } from './virtual-service.ts'

/** Where connections come in, and the addresses that they may have been meant for. */
export interface TcpContext extends RouteContext {
  readonly addresses: readonly string[]
}

/** The first route that takes the connections of the place; undefined when none does. */
export function buildTcpRoute(
  rules: RouteRules,
  context: TcpContext,
  catalog: DestinationCatalog,
): { readonly route: TcpRoute | undefined; readonly problems: readonly string[] } {
  const index = rules.tcp.findIndex(({ match = [] }) => match.length === 0 || match.some(isTakenIn(context)))
  const found = rules.tcp[index]
  if (found === undefined) return { route: undefined, problems: [] }
  const place = { ...catalog, namespace: rules.namespace, port: context.port }
  const destinations = found.route.map(({ destination, weight }) => {
    return { resolved: resolveDestination(destination, place), weight: found.route.length === 1 ? 1 : (weight ?? 0) }
  })
  const policies = destinations.flatMap(({ resolved }) => (resolved.ok ? [resolved.value] : []))
  const clusters = destinations.map(({ resolved, weight }) => {
    return { cluster: resolved.ok ? resolved.value.cluster : undefined, weight }
  })
  return {
    route: { origin: rules.key, clusters, ...limitsOf(policies[0]?.policy), ...hashOf(policies) },
    problems: destinations.flatMap(({ resolved }) => (resolved.ok ? [] : [`spec.tcp[${index}]: ${resolved.error}`])),
  }
}

const isTakenIn =
  (context: TcpContext) =>
  ({ destinationSubnets: ranges, ...match }: TcpMatchSpec): boolean =>
    appliesIn(match, context) &&
    (ranges === undefined || ranges.some((range) => context.addresses.some((address) => isInRange(address, range))))

/** Where connections to the address go that no route is about. */
export function ownTcpRoute(
  { identity, isHeadless }: RegisteredService,
  port: RegisteredPort,
  address: string,
  { policies }: DestinationCatalog,
): TcpRoute {
  const policy = policyOf(policies.get(identity.host) ?? defaultPolicies, port.number)
  const isToPod = isHeadless === true && port.endpoints.some((endpoint) => endpoint.address === address)
  const cluster = (isToPod ? directClusterName : clusterName)({ host: identity.host, port: port.number })
  return { clusters: [{ cluster, weight: 1 }], ...limitsOf(policy), ...hashOf([{ cluster, policy }]) }
}

const limitsOf = ({ connectionPool = {} }: Partial<TrafficPolicy> = {}): Partial<TcpRoute> => ({
  ...(connectionPool.tcpIdleTimeoutMs === undefined ? {} : { idleTimeoutMs: connectionPool.tcpIdleTimeoutMs }),
  ...(connectionPool.maxConnectionDurationMs === undefined
    ? {}
    : { maxDurationMs: connectionPool.maxConnectionDurationMs }),
})

/** Of the keys only the address is known before a byte is read. */
const hashOf = (destinations: readonly Pick<ResolvedDestination, 'cluster' | 'policy'>[]): Partial<TcpRoute> =>
  destinations.some(({ policy }) => policy.consistentHash?.key.kind === 'source-address')
    ? { hashesSourceAddress: true }
    : {}
