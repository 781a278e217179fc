import { z } from 'zod'
import { clientTls } from './supported-client-tls.ts'
import { duration, longerThanZero, port, refused, text } from './supported-values.ts'

const limit = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)

const tcpKeepalive = z.strictObject({
  probes: z.int().min(1).max(100).optional(),
  time: longerThanZero.optional(),
  interval: longerThanZero.optional(),
})

const http2KeepAlive = z.strictObject({ interval: longerThanZero.optional(), timeout: longerThanZero.optional() })

/** In each of them 0 means "not said", as in Istio. */
const connectionPool = z.strictObject({
  tcp: z
    .strictObject({
      maxConnections: limit.optional(),
      connectTimeout: longerThanZero.optional(),
      tcpKeepalive: tcpKeepalive.optional(),
      idleTimeout: duration.optional(),
      maxConnectionDuration: longerThanZero.optional(),
    })
    .optional(),
  http: z
    .strictObject({
      h2UpgradePolicy: z.enum(['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE']).optional(),
      http1MaxPendingRequests: limit.optional(),
      http2MaxRequests: limit.optional(),
      maxRequestsPerConnection: limit.optional(),
      maxRetries: limit.optional(),
      idleTimeout: longerThanZero.optional(),
      maxConcurrentStreams: limit.optional(),
      http2KeepAlive: http2KeepAlive.optional(),
      useClientProtocol: refused(
        'say what the Service speaks by the name of its port, or write h2UpgradePolicy: UPGRADE',
      ),
    })
    .optional(),
})

const percent = z.int().min(0).max(100)

const outlierDetection = z
  .strictObject({
    consecutive5xxErrors: limit.optional(),
    consecutiveGatewayErrors: limit.optional(),
    splitExternalLocalOriginErrors: z.boolean().default(false),
    consecutiveLocalOriginFailures: limit.optional(),
    interval: longerThanZero.optional(),
    baseEjectionTime: longerThanZero.optional(),
    maxEjectionPercent: percent.optional(),
    minHealthPercent: percent.default(0),
    consecutiveErrors: refused('write consecutive5xxErrors, or consecutiveGatewayErrors for 502, 503 and 504 alone'),
    outlierDetectionHttpErrorCodes: refused('write consecutive5xxErrors or consecutiveGatewayErrors'),
  })
  .refine((said) => said.splitExternalLocalOriginErrors || said.consecutiveLocalOriginFailures === undefined, {
    path: ['consecutiveLocalOriginFailures'],
    message: 'counts only with splitExternalLocalOriginErrors: true',
  })

const ring = limit.refine((size) => size <= 8 * 1024 * 1024, 'must be at most 8388608')
/** Envoy's maglev tables have a prime size. */
const prime = z
  .int()
  .min(2)
  .max(5_000_011)
  .refine((size) => !Array.from({ length: Math.floor(Math.sqrt(size)) - 1 }).some((_, at) => size % (at + 2) === 0), {
    message: 'must be a prime number',
  })

const hashKeys = ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'] as const

const httpCookie = z.strictObject({
  name: text,
  path: text.optional(),
  ttl: duration.optional(),
  attributes: z.array(z.strictObject({ name: text, value: z.string().default('') })).default([]),
})

const consistentHash = z
  .strictObject({
    httpHeaderName: text.optional(),
    httpCookie: httpCookie.optional(),
    useSourceIp: z.literal(true).optional(),
    httpQueryParameterName: text.optional(),
    minimumRingSize: ring.optional(),
    ringHash: z.strictObject({ minimumRingSize: ring.optional() }).optional(),
    maglev: z.strictObject({ tableSize: prime.optional() }).optional(),
  })
  .refine(
    (said) => hashKeys.filter((key) => said[key] !== undefined).length === 1,
    `must have one of ${hashKeys.join(', ')}`,
  )
  .refine(
    (said) => [said.minimumRingSize, said.ringHash, said.maglev].filter((each) => each !== undefined).length <= 1,
    {
      message: 'must have at most one of minimumRingSize, ringHash and maglev',
    },
  )

const warmup = z.strictObject({
  duration: longerThanZero,
  minimumPercent: z.number().min(0).max(100).optional(),
  aggression: z.number().min(1).optional(),
})

/** `LEAST_CONN` is what Istio called `LEAST_REQUEST` before. */
const simple = z.enum(['UNSPECIFIED', 'LEAST_REQUEST', 'LEAST_CONN', 'ROUND_ROBIN', 'RANDOM', 'PASSTHROUGH'])
/** They have no shares that could rise. */
const withoutShares: readonly unknown[] = ['RANDOM', 'PASSTHROUGH']

const later = (what: string) =>
  z
    .undefined({ error: `this mesh does not ${what}: with outlierDetection the nearest endpoints come first` })
    .optional()

const localityLbSetting = z.strictObject({
  enabled: z.boolean().optional(),
  distribute: later('split by locality'),
  failover: later('choose where to fail over to'),
  failoverPriority: later('choose where to fail over to'),
})

const loadBalancer = z
  .strictObject({
    localityLbSetting: localityLbSetting.optional(),
    simple: simple.optional(),
    consistentHash: consistentHash.optional(),
    warmupDurationSecs: longerThanZero.optional(),
    warmup: warmup.optional(),
    zoneAwareLbSetting: refused('write localityLbSetting: { enabled: true } beside outlierDetection'),
  })
  .refine(
    (said) => said.simple === undefined || said.consistentHash === undefined,
    'cannot have simple and consistentHash',
  )
  .refine((said) => said.warmup === undefined || said.warmupDurationSecs === undefined, {
    message: 'cannot have warmup and warmupDurationSecs',
  })
  .refine(
    ({ warmup: wanted, warmupDurationSecs, consistentHash: hash, simple: word }) =>
      (wanted === undefined && warmupDurationSecs === undefined) ||
      (hash === undefined && !withoutShares.includes(word)),
    'a warm-up is for LEAST_REQUEST and ROUND_ROBIN',
  )

const policy = {
  connectionPool: connectionPool.optional(),
  outlierDetection: outlierDetection.optional(),
  loadBalancer: loadBalancer.optional(),
  tls: clientTls.optional(),
}

const portPolicy = z.strictObject({ port: z.strictObject({ number: port }), ...policy })

export const trafficPolicy = z.strictObject({
  ...policy,
  portLevelSettings: z.array(portPolicy).default([]),
  proxyProtocol: refused('leave it out; endpoints are reached without a PROXY header'),
  retryBudget: refused('limit retries by connectionPool.http.maxRetries'),
  tunnel: refused('leave it out; endpoints are reached directly'),
})

export type TrafficPolicySpec = z.output<typeof trafficPolicy>
/** Of all ports, or of one. */
export type PolicySpec = Omit<TrafficPolicySpec, 'portLevelSettings'>
