import { z } from 'zod'
import type { MetricName } from '../model/index.ts'
import { celExpression, celValue } from './cel-expression.ts'
import { headerName, workloadSelector } from './supported-security.ts'
import { refused, text } from './supported-values.ts'

/** The part of a Telemetry that this mesh carries out; strict, so that nothing is accepted without effect. */
const mode = z.enum(['CLIENT_AND_SERVER', 'CLIENT', 'SERVER']).default('CLIENT_AND_SERVER')
const match = z.strictObject({ mode }).optional()

const only = (name: string, what: string) =>
  z.array(z.strictObject({ name: z.literal(name, `must be ${name}: this mesh has no other provider of ${what}`) }))

const customTag = z
  .strictObject({
    literal: z.strictObject({ value: text }).optional(),
    environment: z.strictObject({ name: text, defaultValue: text.optional() }).optional(),
    header: z.strictObject({ name: headerName, defaultValue: text.optional() }).optional(),
    formatter: refused('write literal, environment or header'),
  })
  .refine((said) => Object.keys(said).length === 1, 'must have one of literal, environment and header')

const tracing = z.strictObject({
  match,
  providers: z
    .array(z.strictObject({ name: text }))
    .max(1, 'must have one entry: spans go to one collector')
    .default([]),
  randomSamplingPercentage: z.number().min(0).max(100).optional(),
  disableSpanReporting: z.boolean().optional(),
  customTags: z.record(text, customTag).optional(),
  useRequestIdForTraceSampling: z.boolean().optional(),
  enableIstioTags: refused('leave it out; spans have no tags but Envoy’s and those of customTags'),
  disableContextPropagation: refused('leave it out; proxies that report spans hand the trace on'),
})

const accessLogging = z.strictObject({
  match,
  providers: only('envoy', 'access logs').default([]),
  disabled: z.boolean().default(false),
  filter: z.strictObject({ expression: celExpression }).optional(),
})

const everyMetric = 'ALL_METRICS'

/** Istio's words for what is counted. */
const namesOfMetrics = {
  REQUEST_COUNT: 'istio_requests_total',
  REQUEST_DURATION: 'istio_request_duration_milliseconds',
  REQUEST_SIZE: 'istio_request_bytes',
  RESPONSE_SIZE: 'istio_response_bytes',
  TCP_OPENED_CONNECTIONS: 'istio_tcp_connections_opened_total',
  TCP_CLOSED_CONNECTIONS: 'istio_tcp_connections_closed_total',
  TCP_SENT_BYTES: 'istio_tcp_sent_bytes_total',
  TCP_RECEIVED_BYTES: 'istio_tcp_received_bytes_total',
} as const satisfies Readonly<Record<string, MetricName>>

const metric = z.enum([everyMetric, ...keysOf(namesOfMetrics)], {
  error: ({ input }) =>
    `must be one of ${[everyMetric, ...keysOf(namesOfMetrics)].join(', ')}: proxies do not count ${String(input)}`,
})

/** All of them when absent. */
export const metricsMeant = (said: z.output<typeof metric> = everyMetric): readonly MetricName[] =>
  said === everyMetric ? Object.values(namesOfMetrics) : [namesOfMetrics[said]]

function keysOf<Key extends string>(record: Readonly<Record<Key, unknown>>): readonly Key[] {
  const isKey = (text: string): text is Key => text in record
  return Object.keys(record).filter(isKey)
}

/** The end of a command of Envoy's format. */
const endsCommand = /[\r\n]|\)(:\d+)?%/

const tagOverride = z
  .strictObject({
    operation: z.enum(['UPSERT', 'REMOVE']).default('UPSERT'),
    value: celValue
      .refine((value) => !endsCommand.test(value), 'must be one line, without % after a parenthesis')
      .optional(),
  })
  .refine(({ operation, value }) => operation === 'REMOVE' || value !== undefined, {
    path: ['value'],
    message: 'must be given: CEL, such as request.method or a text in quotes of its own',
    params: { code: 'MissingField' },
  })
  .refine(({ operation, value }) => operation === 'UPSERT' || value === undefined, {
    path: ['value'],
    message: 'is for UPSERT',
  })

/** `le` are the bounds of a histogram. */
const isLabel = (name: string): boolean => /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && name !== 'le'

const override = z.strictObject({
  match: z
    .strictObject({ metric: metric.optional(), mode, customMetric: refused('proxies count Istio’s metrics only') })
    .optional(),
  disabled: z.boolean().optional(),
  tagOverrides: z
    .record(z.string(), tagOverride)
    .refine((tags) => Object.keys(tags).every(isLabel), 'must name labels: letters, digits and _, and not le')
    .default({}),
})

const metrics = z.strictObject({
  providers: only('prometheus', 'metrics').default([]),
  overrides: z.array(override).default([]),
  reportingInterval: refused('leave it out; the bytes of a connection are counted when it ends'),
})

const byLabels = 'choose workloads by selector.matchLabels'

export const telemetrySpec = z
  .strictObject({
    selector: workloadSelector,
    tracing: z.array(tracing).default([]),
    accessLogging: z.array(accessLogging).default([]),
    metrics: z.array(metrics).default([]),
    targetRef: refused(byLabels),
    targetRefs: refused(byLabels),
  })
  .default({ tracing: [], accessLogging: [], metrics: [] })

export type TelemetrySpec = z.output<typeof telemetrySpec>
export type CustomTagSpec = z.output<typeof customTag>
export type Side = 'CLIENT' | 'SERVER'
