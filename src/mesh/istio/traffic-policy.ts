import type { ConnectionPool, OutlierDetection, TrafficPolicy } from '../model/index.ts'
import { readClientTls } from './client-tls.ts'
import { readLoadBalancer } from './load-balancer.ts'
import { field, limit, milliseconds } from './optional-field.ts'
import type { PolicySpec, TrafficPolicySpec } from './supported-policy.ts'

/** What Istio does where no DestinationRule says anything. */
export const defaultPolicy: TrafficPolicy = { loadBalancing: 'least-request' }

/** The policy of all ports, and those of single ports. */
export interface PortPolicies {
  readonly policy: TrafficPolicy
  readonly ofPorts: ReadonlyMap<number, TrafficPolicy>
}

/** Without any DestinationRule. */
export const defaultPolicies: PortPolicies = { policy: defaultPolicy, ofPorts: new Map() }

export const policyOf = ({ policy, ofPorts }: PortPolicies, port: number): TrafficPolicy => ofPorts.get(port) ?? policy

/**
 * A subset's policy takes the place of its Service's setting by setting: what it does not name stays. The settings of
 * a port stand alone: what they do not name is the default, as in Istio.
 */
export function readPolicies(spec: TrafficPolicySpec | undefined, inherited = defaultPolicies): PortPolicies {
  if (spec === undefined) return inherited
  const own = new Map(
    spec.portLevelSettings.map(({ port, ...settings }) => [port.number, readPolicy(settings, defaultPolicy)]),
  )
  const passedOn = [...inherited.ofPorts].map(([port, policy]) => [port, readPolicy(spec, policy)] as const)
  return { policy: readPolicy(spec, inherited.policy), ofPorts: new Map([...passedOn, ...own]) }
}

function readPolicy(
  { loadBalancer, connectionPool, outlierDetection, tls }: PolicySpec,
  inherited: TrafficPolicy,
): TrafficPolicy {
  const { consistentHash: _, warmUp: __, ignoresLocality: ___, ...others } = inherited
  return {
    ...(loadBalancer === undefined ? inherited : { ...others, ...readLoadBalancer(loadBalancer) }),
    ...(connectionPool === undefined ? {} : { connectionPool: readConnectionPool(connectionPool) }),
    ...(outlierDetection === undefined ? {} : { outlierDetection: readOutlierDetection(outlierDetection) }),
    ...(tls === undefined ? {} : { tls: readClientTls(tls) }),
  }
}

const readConnectionPool = ({ tcp = {}, http = {} }: NonNullable<PolicySpec['connectionPool']>): ConnectionPool => ({
  ...limit('maxConnections', tcp.maxConnections),
  ...limit('connectTimeoutMs', milliseconds(tcp.connectTimeout)),
  ...field('tcpIdleTimeoutMs', milliseconds(tcp.idleTimeout)),
  ...field('maxConnectionDurationMs', milliseconds(tcp.maxConnectionDuration)),
  ...limit('maxPendingRequests', http.http1MaxPendingRequests),
  ...limit('maxRequests', http.http2MaxRequests),
  ...limit('maxRequestsPerConnection', http.maxRequestsPerConnection),
  ...limit('maxRetries', http.maxRetries),
  ...limit('idleTimeoutMs', milliseconds(http.idleTimeout)),
  ...(tcp.tcpKeepalive === undefined
    ? {}
    : {
        tcpKeepalive: {
          ...field('probes', tcp.tcpKeepalive.probes),
          ...field('idleMs', milliseconds(tcp.tcpKeepalive.time)),
          ...field('intervalMs', milliseconds(tcp.tcpKeepalive.interval)),
        },
      }),
  ...(http.h2UpgradePolicy === 'UPGRADE' ? { upgradesToHttp2: true } : {}),
  ...limit('maxConcurrentStreams', http.maxConcurrentStreams),
  ...(http.http2KeepAlive === undefined
    ? {}
    : {
        http2KeepAlive: {
          ...field('intervalMs', milliseconds(http.http2KeepAlive.interval)),
          ...field('timeoutMs', milliseconds(http.http2KeepAlive.timeout)),
        },
      }),
})

const readOutlierDetection = (spec: NonNullable<PolicySpec['outlierDetection']>): OutlierDetection => ({
  ...field('consecutive5xx', spec.consecutive5xxErrors),
  ...field('consecutiveGatewayErrors', spec.consecutiveGatewayErrors),
  ...field(
    'consecutiveLocalOriginFailures',
    // Envoy's own number where the split is asked for without one.
    spec.splitExternalLocalOriginErrors ? (spec.consecutiveLocalOriginFailures ?? 5) : undefined,
  ),
  ...field('intervalMs', milliseconds(spec.interval)),
  ...field('baseEjectionTimeMs', milliseconds(spec.baseEjectionTime)),
  ...limit('maxEjectionPercent', spec.maxEjectionPercent),
  minHealthPercent: spec.minHealthPercent,
})
