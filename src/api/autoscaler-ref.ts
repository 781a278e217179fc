import { z } from 'zod'
import { type Rule, withRules } from './rules.ts'
import { nameSchema } from './schema.ts'

const replicasSchema = z.int().min(1).max(100_000)

interface Reference {
  readonly kind: string
  readonly primaryScalerQueries?: object | undefined
  readonly primaryScalerReplicas?:
    | { readonly minReplicas?: number | undefined; readonly maxReplicas?: number | undefined }
    | undefined
}

const rules: readonly Rule<Reference>[] = [
  {
    cel: "!has(self.primaryScalerQueries) || self.kind == 'ScaledObject'",
    message: 'primaryScalerQueries belong to a ScaledObject',
    field: 'primaryScalerQueries',
    holds: ({ kind, primaryScalerQueries }) => primaryScalerQueries === undefined || kind === 'ScaledObject',
  },
  {
    cel: '!has(self.primaryScalerReplicas) || !has(self.primaryScalerReplicas.minReplicas) || !has(self.primaryScalerReplicas.maxReplicas) || self.primaryScalerReplicas.minReplicas <= self.primaryScalerReplicas.maxReplicas',
    message: 'minReplicas must not exceed maxReplicas',
    field: 'primaryScalerReplicas',
    holds: ({ primaryScalerReplicas: { minReplicas, maxReplicas } = {} }) =>
      minReplicas === undefined || maxReplicas === undefined || minReplicas <= maxReplicas,
  },
]

export const autoscalerRefSchema = withRules(
  z.object({
    apiVersion: z
      .string()
      .max(253)
      .optional()
      .describe('API version of the autoscaler; autoscaling/v2 and keda.sh/v1alpha1 are read.'),
    kind: z.enum(['HorizontalPodAutoscaler', 'ScaledObject']).describe('Kind of the autoscaler.'),
    name: nameSchema.describe('Name of the autoscaler of the workload, in the namespace of the Canary.'),
    primaryScalerQueries: z
      .record(z.string().max(253), z.string().max(4096))
      .optional()
      .describe(
        'Query of each named trigger for the primary; that of the workload with the name of the primary when absent.',
      ),
    primaryScalerReplicas: z
      .object({
        minReplicas: replicasSchema.optional().describe('Fewest pods of the primary.'),
        maxReplicas: replicasSchema.optional().describe('Most pods of the primary.'),
      })
      .optional()
      .describe('Bounds of the primary; those of the workload when absent.'),
  }),
  rules,
)
