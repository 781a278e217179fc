import { z } from 'zod'
import type { KubernetesObject, ResourceKind } from './kubernetes/meta.ts'
import { metricProviderSchema } from './metric-provider.ts'
import { mapListBy, type Rule, withRules } from './rules.ts'
import { objectMetaSchema } from './schema.ts'

export type { MetricProviderSpec } from './metric-provider.ts'

const variableRules: readonly Rule<{ default?: string | undefined; required?: boolean | undefined }>[] = [
  {
    cel: '!has(self.default) || !has(self.required) || !self.required',
    message: 'a required variable is given by every metric: leave default or required out',
    field: 'default',
    holds: (variable) => variable.default === undefined || variable.required !== true,
  },
]

const variableSchema = withRules(
  z.object({
    name: z
      .string()
      .min(1)
      .max(63)
      .regex(/^[A-Za-z0-9_-]+$/)
      .describe('Name, as in {{ variables.NAME }}.'),
    description: z.string().max(1024).optional().describe('What it means, and which values make sense.'),
    default: z.string().max(1024).optional().describe('Value where a metric gives none.'),
    required: z
      .boolean()
      .optional()
      .describe('Whether every metric must give it; when absent, it must where there is no default. If false: empty.'),
  }),
  variableRules,
)

const templateRules: readonly Rule<{ readonly query: string; readonly provider: { readonly type: string } }>[] = [
  {
    cel: "(self.provider.type == 'job') != (self.query.size() > 0)",
    message: 'query must be set, but for a job, whose spec says what is run',
    field: 'query',
    holds: ({ query, provider }) => (provider.type === 'job') !== query.length > 0,
  },
]

const plainTemplateSpecSchema = z.object({
  provider: metricProviderSchema.describe('Server that is asked.'),
  query: z
    .string()
    .max(8192)
    .default('')
    .describe(
      'Query; {{ name }}, {{ namespace }}, {{ target }}, {{ service }}, {{ interval }}, {{ windowStart }}, {{ windowEnd }} and {{ variables.NAME }} are filled in.',
    ),
  variables: mapListBy('name', z.array(variableSchema).max(32))
    .optional()
    .describe('Variables of the query; those that it names beside these must be given.'),
})

const templateSpecSchema = withRules(plainTemplateSpecSchema, templateRules)

export const metricTemplateSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: objectMetaSchema,
  spec: templateSpecSchema.describe('A reusable query.'),
})

export interface MetricTemplate extends KubernetesObject {
  readonly spec: z.output<typeof templateSpecSchema>
}

export const metricTemplateKind: ResourceKind<MetricTemplate> = {
  group: 'sluice.dev',
  version: 'v1',
  kind: 'MetricTemplate',
  plural: 'metrictemplates',
  namespaced: true,
}

/** The same for every namespace. */
export const clusterMetricTemplateKind: ResourceKind<MetricTemplate> = {
  ...metricTemplateKind,
  kind: 'ClusterMetricTemplate',
  plural: 'clustermetrictemplates',
  namespaced: false,
}
