import { z } from 'zod'
import type { KubernetesObject, ResourceKind } from '../kubernetes/meta.ts'
import type { NetworkingStatus } from './networking.ts'
import { labels, networkingObject, object } from './networking-schema.ts'
import type { WorkloadSelector } from './security.ts'

/** What proxies tell: spans, access logs and metrics. */
export interface Telemetry extends KubernetesObject {
  readonly spec?: {
    readonly selector?: WorkloadSelector
    readonly tracing?: readonly object[]
    readonly accessLogging?: readonly object[]
    readonly metrics?: readonly object[]
  }
  readonly status?: NetworkingStatus
}

/** Served as v1 and v1alpha1 with one schema; read as v1. */
export const telemetryKind: ResourceKind<Telemetry> = {
  group: 'telemetry.istio.io',
  version: 'v1',
  kind: 'Telemetry',
  plural: 'telemetries',
  namespaced: true,
}

const text = z.string()
const providers = z
  .array(object({ name: text.describe('Name of the provider.') }))
  .optional()
  .describe('Where it goes.')
const mode = text.optional().describe('CLIENT, SERVER or CLIENT_AND_SERVER (when absent).')
const match = object({ mode }).optional().describe('The side of the workload that is meant.')

const customTag = object({
  literal: object({ value: text.optional().describe('Text.') })
    .optional()
    .describe('The same for every span.'),
  environment: object({
    name: text.optional().describe('Name of the variable.'),
    defaultValue: text.optional().describe('Value where it is not set.'),
  })
    .optional()
    .describe('A variable of the proxy’s environment.'),
  header: object({
    name: text.optional().describe('Name of the header.'),
    defaultValue: text.optional().describe('Value where the request has none.'),
  })
    .optional()
    .describe('A header of the request.'),
})

const tracing = object({
  match,
  providers,
  randomSamplingPercentage: z.number().min(0).max(100).optional().describe('Share of requests that are traced.'),
  disableSpanReporting: z.boolean().optional().describe('Send no spans.'),
  customTags: z.record(text, customTag).optional().describe('Tags of the spans by name.'),
  useRequestIdForTraceSampling: z.boolean().optional().describe('Let x-request-id decide what is traced.'),
})

const accessLogging = object({
  match,
  providers,
  disabled: z.boolean().optional().describe('Write no lines.'),
  filter: object({ expression: text.optional().describe('CEL over the attributes of a request.') })
    .optional()
    .describe('What is written.'),
})

const override = object({
  match: object({ metric: text.optional().describe('Istio’s name of the metric; all when absent.'), mode })
    .optional()
    .describe('The metrics that are meant.'),
  disabled: z.boolean().optional().describe('Do not count it.'),
  tagOverrides: z
    .record(
      text,
      object({
        operation: text.optional().describe('UPSERT (when absent) or REMOVE.'),
        value: text.optional().describe('CEL over the attributes of a request.'),
      }),
    )
    .optional()
    .describe('Changes of labels by their names.'),
})

export const telemetrySchema = networkingObject(
  object({
    selector: object({ matchLabels: labels.optional().describe('Labels of the pods.') })
      .optional()
      .describe('Pods that are meant; all of the namespace when absent.'),
    tracing: z.array(tracing).optional().describe('Spans.'),
    accessLogging: z.array(accessLogging).optional().describe('Lines of access logs.'),
    metrics: z
      .array(object({ providers, overrides: z.array(override).optional().describe('Changes of metrics, in order.') }))
      .optional()
      .describe('Metrics.'),
  })
    .optional()
    .describe('What proxies tell of requests.'),
)
