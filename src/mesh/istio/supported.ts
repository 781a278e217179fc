import { RE2JS } from 're2js'
import { z } from 'zod'
import { DURATION_PATTERN } from '../../base/index.ts'

/**
 * The part of Istio's networking objects that this mesh carries out. Every object is strict: a field that is not
 * listed here would otherwise be accepted and have no effect.
 */
const text = z.string().min(1)
const labels = z.record(z.string(), z.string())
const port = z.int().min(1).max(65_535)
const duration = z.string().regex(new RegExp(DURATION_PATTERN), 'must be a duration such as "10s"')

/** Envoy refuses a whole response for one bad expression, so none gets that far. */
const regex = text.refine(isRegex, { message: 'must be an RE2 expression', params: { code: 'InvalidRegex' } })

function isRegex(expression: string): boolean {
  try {
    return RE2JS.compile(expression) !== undefined
  } catch {
    return false
  }
}

/** `{}` means that the value is present. */
const stringMatch = z
  .strictObject({ exact: z.string().optional(), prefix: z.string().optional(), regex: regex.optional() })
  .refine((match) => Object.keys(match).length <= 1, 'must have one of exact, prefix and regex')

const requiredMatch = stringMatch.refine((match) => Object.keys(match).length === 1, 'must have exact, prefix or regex')

/** Namespaces; `*` is all, `.` the object's own, `~` none. */
const exportTo = z
  .array(text.regex(/^(\*|\.|~|[a-z0-9]([a-z0-9-]*[a-z0-9])?)$/, 'must be ".", "*", "~" or a namespace'))
  .default([])

const match = z.strictObject({
  name: z.string().optional(),
  uri: requiredMatch.optional(),
  scheme: requiredMatch.optional(),
  method: requiredMatch.optional(),
  authority: requiredMatch.optional(),
  headers: z.record(z.string(), stringMatch).optional(),
  withoutHeaders: z.record(z.string(), stringMatch).optional(),
  queryParams: z.record(z.string(), stringMatch).optional(),
  port: port.optional(),
  sourceLabels: labels.optional(),
  sourceNamespace: z.string().optional(),
  gateways: z.array(z.string()).optional(),
  ignoreUriCase: z.boolean().optional(),
})

const destination = z.strictObject({
  host: text,
  subset: z.string().optional(),
  port: z.strictObject({ number: port }).optional(),
})

const percentage = z.strictObject({ value: z.number().min(0).max(100).default(0) })
const longerThanZero = duration.refine((value) => /[1-9]/.test(value), 'must be longer than 0s')

/** Without a percentage no request is met, as in Istio. */
const fault = z
  .strictObject({
    delay: z.strictObject({ percentage: percentage.optional(), fixedDelay: longerThanZero }).optional(),
    abort: z.strictObject({ percentage: percentage.optional(), httpStatus: z.int().min(200).max(599) }).optional(),
  })
  .refine(({ delay, abort }) => delay !== undefined || abort !== undefined, 'must have delay or abort')

const headerName = /^[\w!#$%&'*+.^`|~-]+$/
const isEditable = (name: string): boolean => headerName.test(name) && name.toLowerCase() !== 'host'
const editable = 'must name headers; Host and those with a colon cannot be edited (rewrite.authority sets the host)'
const headerValues = z
  .record(z.string(), z.string())
  .refine((values) => Object.keys(values).every(isEditable), editable)
const headerEdits = z.strictObject({
  set: headerValues.default({}),
  add: headerValues.default({}),
  remove: z.array(text.refine(isEditable, editable)).default([]),
})
const messageEdits = z.strictObject({ request: headerEdits.optional(), response: headerEdits.optional() })

const rewrite = z
  .strictObject({
    uri: text.optional(),
    authority: text.optional(),
    uriRegexRewrite: z.strictObject({ match: regex, rewrite: z.string() }).optional(),
  })
  .refine((said) => Object.keys(said).length > 0, 'must have uri, uriRegexRewrite or authority')
  .refine((said) => said.uri === undefined || said.uriRegexRewrite === undefined, 'cannot have uri and uriRegexRewrite')

const corsPolicy = z.strictObject({
  allowOrigins: z.array(requiredMatch).default([]),
  allowMethods: z.array(text).default([]),
  allowHeaders: z.array(text).default([]),
  exposeHeaders: z.array(text).default([]),
  maxAge: duration.optional(),
  allowCredentials: z.boolean().default(false),
})

const redirect = z.strictObject({
  uri: text.optional(),
  authority: text.optional(),
  scheme: z.enum(['http', 'https']).optional(),
  port: port.optional(),
  redirectCode: z.literal([301, 302, 303, 307, 308]).default(301),
})

const directResponse = z.strictObject({
  status: z.int().min(200).max(599),
  body: z.strictObject({ string: z.string() }).optional(),
})

const routeDestination = z.strictObject({
  destination,
  weight: z.int().min(0).max(1_000_000).optional(),
  headers: messageEdits.optional(),
})

const httpRoute = z
  .strictObject({
    name: z.string().optional(),
    match: z.array(match).optional(),
    route: z.array(routeDestination).default([]),
    redirect: redirect.optional(),
    directResponse: directResponse.optional(),
    mirror: destination.optional(),
    mirrorPercentage: percentage.optional(),
    fault: fault.optional(),
    headers: messageEdits.optional(),
    rewrite: rewrite.optional(),
    corsPolicy: corsPolicy.optional(),
    timeout: duration.optional(),
    retries: z
      .strictObject({
        attempts: z.int().min(0).default(0),
        perTryTimeout: duration.optional(),
        retryOn: z.string().optional(),
        retryRemoteLocalities: z.boolean().optional(),
      })
      .optional(),
  })
  .refine((http) => [http.route[0], http.redirect, http.directResponse].filter(Boolean).length === 1, {
    message: 'must have one of route, redirect and directResponse',
  })
  .refine((http) => http.route.length > 0 || !(http.mirror || http.timeout || http.retries || http.rewrite), {
    message: 'mirror, timeout, retries and rewrite are for requests that have a route',
  })
  .refine((http) => http.route.length <= 1 || http.route.some(({ weight = 0 }) => weight > 0), {
    path: ['route'],
    message: 'the weights of several destinations must sum to more than 0',
    params: { code: 'ZeroWeights' },
  })

export const virtualServiceSpec = z.strictObject({
  hosts: z.array(text).min(1),
  gateways: z.array(text).optional(),
  exportTo,
  http: z.array(httpRoute).min(1),
})

const limit = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)

/** In each of them 0 means "not said", as in Istio. */
const connectionPool = z.strictObject({
  tcp: z.strictObject({ maxConnections: limit.optional(), connectTimeout: longerThanZero.optional() }).optional(),
  http: z
    .strictObject({
      // Neither upgrades; UPGRADE is refused.
      h2UpgradePolicy: z.enum(['DEFAULT', 'DO_NOT_UPGRADE']).optional(),
      http1MaxPendingRequests: limit.optional(),
      http2MaxRequests: limit.optional(),
      maxRequestsPerConnection: limit.optional(),
      maxRetries: limit.optional(),
      idleTimeout: longerThanZero.optional(),
    })
    .optional(),
})

const percent = z.int().min(0).max(100)

const outlierDetection = z.strictObject({
  consecutive5xxErrors: limit.optional(),
  consecutiveGatewayErrors: limit.optional(),
  interval: longerThanZero.optional(),
  baseEjectionTime: longerThanZero.optional(),
  maxEjectionPercent: percent.optional(),
  minHealthPercent: percent.default(0),
})

const trafficPolicy = z.strictObject({
  connectionPool: connectionPool.optional(),
  outlierDetection: outlierDetection.optional(),
  loadBalancer: z
    .strictObject({ simple: z.enum(['UNSPECIFIED', 'LEAST_REQUEST', 'ROUND_ROBIN', 'RANDOM']) })
    .optional(),
})

export const destinationRuleSpec = z.strictObject({
  host: text,
  subsets: z
    .array(z.strictObject({ name: text, labels: labels.default({}), trafficPolicy: trafficPolicy.optional() }))
    .default([]),
  trafficPolicy: trafficPolicy.optional(),
  exportTo,
})

export const gatewaySpec = z.strictObject({
  selector: labels.default({}),
  servers: z
    .array(
      z.strictObject({
        port: z.strictObject({ number: port, name: z.string(), protocol: z.enum(['HTTP', 'HTTP2', 'GRPC']) }),
        hosts: z.array(text).min(1),
        name: z.string().optional(),
      }),
    )
    .min(1),
})

export type VirtualServiceSpec = z.output<typeof virtualServiceSpec>
export type HttpRouteSpec = VirtualServiceSpec['http'][number]
export type HttpMatchSpec = z.output<typeof match>
export type StringMatchSpec = z.output<typeof stringMatch>
export type DestinationSpec = z.output<typeof destination>
export type TrafficPolicySpec = z.output<typeof trafficPolicy>
export type DestinationRuleSpec = z.output<typeof destinationRuleSpec>
export type GatewaySpec = z.output<typeof gatewaySpec>

export { readSpec } from './read-spec.ts'
