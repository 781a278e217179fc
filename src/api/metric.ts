import { z } from 'zod'
import { metricRules, templateRefRules, thresholdRangeRules } from './canary-rules.ts'
import { withRules } from './rules.ts'
import { durationSchema, intervalSchema, nameSchema, namespaceNameSchema } from './schema.ts'

const thresholdRangeSchema = withRules(
  z.object({
    min: z.number().optional().describe('Smallest value that passes.'),
    max: z.number().optional().describe('Largest value that passes.'),
  }),
  thresholdRangeRules,
)

const templateRefSchema = withRules(
  z.object({
    kind: z
      .enum(['MetricTemplate', 'ClusterMetricTemplate'])
      .optional()
      .describe('Kind of the template; MetricTemplate when absent.'),
    name: nameSchema.describe('Name of the template.'),
    namespace: namespaceNameSchema
      .optional()
      .describe('Namespace of the MetricTemplate; that of the Canary when absent.'),
  }),
  templateRefRules,
)

const policySchema = z.enum(['hold', 'fail', 'pass'])

const comparisonSchema = z.object({
  tolerance: z
    .number()
    .min(0)
    .max(10)
    .default(0.25)
    .describe('How much more often than the primary it may fail: 0.25 is a quarter more.'),
  margin: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.002)
    .describe('Share of requests that may fail beyond that: 0.002 is 2 of 1000.'),
  alpha: z
    .number()
    .min(0.0001)
    .max(0.5)
    .default(0.05)
    .describe('Largest share of releases within the tolerance that the comparisons of a Canary roll back.'),
  minRequests: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(50)
    .describe('Requests to the new version that a step needs to pass without proof.'),
  minDuration: durationSchema.default('0s').describe('Time that a step lasts at least.'),
  maxExtension: durationSchema
    .default('10m')
    .describe('Time beyond minDuration after which `inconclusive` decides on a step.'),
  inconclusive: policySchema.default('hold').describe('What a step without enough evidence comes to in the end.'),
  slowerThan: durationSchema
    .optional()
    .describe('Requests that take longer count as failed; rounded up to a bucket of the histogram.'),
  sampleRatio: z
    .enum(['check', 'ignore'])
    .default('check')
    .describe('Whether requests must be split as the route says: `ignore` where some come beside it.'),
})

const limitsSchema = z.object({
  errorShare: z
    .number()
    .min(0.001)
    .max(0.999)
    .describe('Share of failed requests above which the new version is rolled back at once: 0.3 is 30 of 100.'),
  minRequests: z.int().min(1).max(1_000_000).default(10).describe('Requests in the window that it takes.'),
})

const failureLimitSchema = z.int().min(0).max(1000)

const plainMetricSchema = z.object({
  name: nameSchema.describe(
    '`request-success-rate` (percent), `request-duration` (p99, milliseconds) or a name of your own.',
  ),
  interval: intervalSchema
    .optional()
    .describe('Longest window the metric is computed over; the interval of the analysis when absent.'),
  thresholdRange: thresholdRangeSchema.optional().describe('Values that pass.'),
  templateRef: templateRefSchema.optional().describe('Template that holds the query.'),
  templateVariables: z
    .record(z.string().max(63), z.string().max(1024))
    .optional()
    .describe('Values for {{ variables.NAME }} in the query.'),
  comparison: comparisonSchema
    .optional()
    .describe('Compares the new version with the primary, on counts, by a test that may be looked at any time.'),
  limits: limitsSchema.optional().describe('What rolls back at once, whatever the primary does.'),
  failureLimit: failureLimitSchema
    .optional()
    .describe('Failed checks of this metric that a run may have; one more rolls it back.'),
  consecutiveFailureLimit: failureLimitSchema
    .optional()
    .describe('Failed checks of this metric in a row that a run may have; one more rolls it back.'),
  onNoData: policySchema.optional().describe('What a check without data comes to: `hold` when absent.'),
  onQueryError: policySchema.optional().describe('What a refused query comes to: `hold` when absent.'),
  onProviderDown: policySchema.optional().describe('What a metric server that is away comes to: `hold` when absent.'),
  dryRun: z.boolean().optional().describe('Measure and report, and decide nothing.'),
})

export const metricSchema = withRules(plainMetricSchema, metricRules)

export type Metric = z.output<typeof metricSchema>
export type Comparison = z.output<typeof comparisonSchema>
export type Limits = z.output<typeof limitsSchema>
