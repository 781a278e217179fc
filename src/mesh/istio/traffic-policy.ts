import { parseDuration } from '../../base/index.ts'
import type { ConnectionPool, OutlierDetection, TrafficPolicy } from '../model/index.ts'
import type { TrafficPolicySpec } from './supported.ts'

/** What Istio does where no DestinationRule says anything. */
export const defaultPolicy: TrafficPolicy = { loadBalancing: 'least-request' }

/** A subset's policy takes the place of its Service's setting by setting: what it does not name stays. */
export function readPolicy(spec: TrafficPolicySpec | undefined, inherited = defaultPolicy): TrafficPolicy {
  if (spec === undefined) return inherited
  const { loadBalancer, connectionPool, outlierDetection } = spec
  return {
    ...inherited,
    ...(loadBalancer === undefined ? {} : { loadBalancing: loadBalancings[loadBalancer.simple] }),
    ...(connectionPool === undefined ? {} : { connectionPool: readConnectionPool(connectionPool) }),
    ...(outlierDetection === undefined ? {} : { outlierDetection: readOutlierDetection(outlierDetection) }),
  }
}

const loadBalancings = {
  UNSPECIFIED: 'least-request',
  LEAST_REQUEST: 'least-request',
  ROUND_ROBIN: 'round-robin',
  RANDOM: 'random',
} as const

const readConnectionPool = ({
  tcp = {},
  http = {},
}: NonNullable<TrafficPolicySpec['connectionPool']>): ConnectionPool => ({
  ...limit('maxConnections', tcp.maxConnections),
  ...limit('connectTimeoutMs', milliseconds(tcp.connectTimeout)),
  ...limit('maxPendingRequests', http.http1MaxPendingRequests),
  ...limit('maxRequests', http.http2MaxRequests),
  ...limit('maxRequestsPerConnection', http.maxRequestsPerConnection),
  ...limit('maxRetries', http.maxRetries),
  ...limit('idleTimeoutMs', milliseconds(http.idleTimeout)),
})

const readOutlierDetection = (spec: NonNullable<TrafficPolicySpec['outlierDetection']>): OutlierDetection => ({
  ...field('consecutive5xx', spec.consecutive5xxErrors),
  ...field('consecutiveGatewayErrors', spec.consecutiveGatewayErrors),
  ...field('intervalMs', milliseconds(spec.interval)),
  ...field('baseEjectionTimeMs', milliseconds(spec.baseEjectionTime)),
  ...limit('maxEjectionPercent', spec.maxEjectionPercent),
  minHealthPercent: spec.minHealthPercent,
})

const limit = <Name extends string>(name: Name, value: number | undefined) =>
  field(name, value === 0 ? undefined : value)

const field = <Name extends string>(name: Name, value: number | undefined): { readonly [key in Name]?: number } => {
  const fields: { [key in Name]?: number } = {}
  if (value !== undefined) fields[name] = value
  return fields
}

function milliseconds(duration: string | undefined): number | undefined {
  const parsed = duration === undefined ? undefined : parseDuration(duration)
  return parsed?.ok ? parsed.value : undefined
}
