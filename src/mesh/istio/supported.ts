/**
 * The part of Istio's networking objects that this mesh carries out. Every object is strict: a field that is not
 * listed here would otherwise be accepted and have no effect.
 */

import { z } from 'zod'
import { destination } from './supported-destination.ts'
import { trafficPolicy } from './supported-policy.ts'
import { tcpRoute } from './supported-tcp.ts'
import { duration, exportTo, labels, longerThanZero, port, refused, regex, text } from './supported-values.ts'
import { grpcStatuses, isRetryCondition, unknownRetryConditions } from './supported-words.ts'

/** `{}` means that the value is present. */
const stringMatch = z
  .strictObject({ exact: z.string().optional(), prefix: z.string().optional(), regex: regex.optional() })
  .refine((match) => Object.keys(match).length <= 1, 'must have one of exact, prefix and regex')

const requiredMatch = stringMatch.refine((match) => Object.keys(match).length === 1, 'must have exact, prefix or regex')

/** Istio's routes by claims of a token; Envoy would look for a header of that name and find none. */
const isNoClaim = (names: Readonly<Record<string, unknown>>): boolean =>
  !Object.keys(names).some((name) => name.startsWith('@'))
const matchedHeaders = z.record(z.string(), stringMatch).refine(isNoClaim, {
  message:
    'routes by claims (@request.auth.claims) are not supported: copy the claim into a header by outputClaimToHeaders of the RequestAuthentication, and match that',
  params: { code: 'UnsupportedField' },
})

const match = z.strictObject({
  name: z.string().optional(),
  uri: requiredMatch.optional(),
  scheme: requiredMatch.optional(),
  method: requiredMatch.optional(),
  authority: requiredMatch.optional(),
  headers: matchedHeaders.optional(),
  withoutHeaders: matchedHeaders.optional(),
  queryParams: z.record(z.string(), stringMatch).optional(),
  port: port.optional(),
  sourceLabels: labels.optional(),
  sourceNamespace: z.string().optional(),
  gateways: z.array(z.string()).optional(),
  ignoreUriCase: z.boolean().optional(),
  statPrefix: refused('name the rule (http[].name); metrics tell Services apart, access logs routes'),
})

const percentage = z.strictObject({ value: z.number().min(0).max(100).default(0) })

/** Without a percentage no request is met, as in Istio. */
const fault = z
  .strictObject({
    delay: z
      .strictObject({
        percentage: percentage.optional(),
        fixedDelay: longerThanZero,
        exponentialDelay: refused('write fixedDelay'),
        percent: refused('write percentage: { value: 10 }'),
      })
      .optional(),
    abort: z
      .strictObject({
        percentage: percentage.optional(),
        httpStatus: z.int().min(200).max(599).optional(),
        grpcStatus: z.enum(grpcStatuses, 'must be the name of a gRPC status, such as UNAVAILABLE').optional(),
        http2Error: refused('write httpStatus or grpcStatus'),
      })
      .refine(
        (said) => (said.httpStatus === undefined) !== (said.grpcStatus === undefined),
        'must have one of httpStatus and grpcStatus',
      )
      .optional(),
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
  allowOrigin: refused('write allowOrigins: [{ exact: "https://shop.example" }]'),
  allowMethods: z.array(text).default([]),
  allowHeaders: z.array(text).default([]),
  exposeHeaders: z.array(text).default([]),
  maxAge: duration.optional(),
  allowCredentials: z.boolean().default(false),
  unmatchedPreflights: z.enum(['UNSPECIFIED', 'FORWARD', 'IGNORE']).default('UNSPECIFIED'),
})

const redirect = z.strictObject({
  uri: text.optional(),
  authority: text.optional(),
  scheme: z.enum(['http', 'https']).optional(),
  port: port.optional(),
  redirectCode: z.literal([301, 302, 303, 307, 308]).default(301),
  derivePort: refused('write port, or leave it out to keep that of the request'),
  prefixRewrite: refused('write uri, which takes the place of the whole path'),
})

const directResponse = z.strictObject({
  status: z.int().min(200).max(599),
  body: z.strictObject({ string: z.string(), bytes: refused('write the body as text in string') }).optional(),
})

const routeDestination = z.strictObject({
  destination,
  weight: z.int().min(0).max(1_000_000).optional(),
  headers: messageEdits.optional(),
})

const retries = z
  .strictObject({
    attempts: z.int().min(0).default(0),
    perTryTimeout: duration.optional(),
    retryOn: z
      .string()
      .refine(isRetryCondition, { error: ({ input }) => unknownRetryConditions(input) })
      .optional(),
    retryRemoteLocalities: z.boolean().optional(),
    retryIgnorePreviousHosts: z.boolean().optional(),
    backoff: longerThanZero.optional(),
  })
  .refine(({ attempts, ...said }) => attempts > 0 || Object.values(said).every((value) => value === undefined), {
    path: ['attempts'],
    message: 'must be at least 1 where anything else is said: 0 switches retries off',
  })

const mirrorsOf = (http: { readonly mirror?: object | undefined; readonly mirrors: readonly object[] }) =>
  http.mirror !== undefined || http.mirrors.length > 0

const mirrorPolicy = z.strictObject({ destination, percentage: percentage.optional() })

const httpRoute = z
  .strictObject({
    name: z.string().optional(),
    match: z.array(match).optional(),
    route: z.array(routeDestination).default([]),
    redirect: redirect.optional(),
    directResponse: directResponse.optional(),
    mirror: destination.optional(),
    mirrorPercentage: percentage.optional(),
    mirrors: z.array(mirrorPolicy).default([]),
    fault: fault.optional(),
    headers: messageEdits.optional(),
    rewrite: rewrite.optional(),
    corsPolicy: corsPolicy.optional(),
    timeout: duration.optional(),
    retries: retries.optional(),
    delegate: refused('write the rules of the other VirtualService here'),
    mirrorPercent: refused('write mirrorPercentage: { value: 50 }'),
    mirror_percent: refused('write mirrorPercentage: { value: 50 }'),
  })
  .refine((http) => [http.route[0], http.redirect, http.directResponse].filter(Boolean).length === 1, {
    message: 'must have one of route, redirect and directResponse',
  })
  .refine((http) => http.route.length > 0 || !(mirrorsOf(http) || http.timeout || http.retries || http.rewrite), {
    message: 'mirror, timeout, retries and rewrite are for requests that have a route',
  })
  .refine((http) => http.mirror !== undefined || http.mirrorPercentage === undefined, {
    path: ['mirrorPercentage'],
    message: 'is for mirror; in the list mirrors each has its own percentage',
  })
  .refine((http) => http.mirror === undefined || http.mirrors.length === 0, {
    path: ['mirrors'],
    message: 'cannot be beside mirror: move that into the list',
  })
  .refine((http) => http.route.length <= 1 || http.route.some(({ weight = 0 }) => weight > 0), {
    path: ['route'],
    message: 'the weights of several destinations must sum to more than 0',
    params: { code: 'ZeroWeights' },
  })

export const virtualServiceSpec = z
  .strictObject({
    hosts: z.array(text).min(1),
    gateways: z.array(text).optional(),
    exportTo,
    http: z.array(httpRoute).default([]),
    tcp: z.array(tcpRoute).default([]),
    tls: refused('connections are not routed by SNI; route the port as TCP in spec.tcp'),
  })
  .refine(({ http, tcp }) => http.length + tcp.length > 0, { message: 'must have http or tcp' })

export const destinationRuleSpec = z.strictObject({
  host: text,
  subsets: z
    .array(z.strictObject({ name: text, labels: labels.default({}), trafficPolicy: trafficPolicy.optional() }))
    .default([]),
  trafficPolicy: trafficPolicy.optional(),
  exportTo,
  workloadSelector: z.strictObject({ matchLabels: labels.default({}) }).optional(),
})

export type VirtualServiceSpec = z.output<typeof virtualServiceSpec>
export type HttpRouteSpec = VirtualServiceSpec['http'][number]
export type HttpMatchSpec = z.output<typeof match>
export type StringMatchSpec = z.output<typeof stringMatch>
export type { DestinationSpec } from './supported-destination.ts'
export type DestinationRuleSpec = z.output<typeof destinationRuleSpec>
