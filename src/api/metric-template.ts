import { z } from 'zod'
import type { KubernetesObject, ResourceKind } from './kubernetes/meta.ts'
import { objectMetaSchema, webAddressSchema } from './schema.ts'

export const metricTemplateSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: objectMetaSchema,
  spec: z
    .object({
      provider: z
        .object({
          type: z.enum(['prometheus']).describe('Kind of metric server.'),
          address: webAddressSchema
            .optional()
            .describe('Address of the server; that of the Canary or controller when absent.'),
        })
        .describe('Server that is asked.'),
      query: z
        .string()
        .min(1)
        .max(8192)
        .describe(
          'Query; {{ name }}, {{ namespace }}, {{ target }}, {{ service }}, {{ interval }} and {{ variables.NAME }} are filled in.',
        ),
    })
    .describe('A reusable query.'),
})

export interface MetricTemplate extends KubernetesObject {
  readonly spec: z.output<typeof metricTemplateSchema>['spec']
}

export const metricTemplateKind: ResourceKind<MetricTemplate> = {
  group: 'sluice.dev',
  version: 'v1',
  kind: 'MetricTemplate',
  plural: 'metrictemplates',
  namespaced: true,
}
