import { z } from 'zod'

const count = z.number().min(0)

export const armSchema = z.object({
  requests: count.describe('Requests.'),
  failures: count.describe('Failed or slow ones among them, as the metric has it.'),
})

const evidenceSchema = z.object({
  tolerance: z.number().describe('Tolerance under which it was gathered.'),
  margin: z.number().describe('Margin under which it was gathered.'),
  lastWindowEnd: z.string().describe('Requests up to this time are counted.'),
  windows: z.int().describe('Windows that were counted.'),
  canary: armSchema.describe('The new version over all of them.'),
  primary: armSchema.describe('The primary over all of them.'),
  harm: z.array(z.number()).max(16).describe('Log e-values that the new version is worse than tolerated.'),
  safety: z.array(z.number()).max(16).describe('Log e-values that it is not.'),
  strongestHarm: z.number().describe('Largest log e-value against the new version so far.'),
  dispersion: z
    .object({
      requests: count.describe('Requests.'),
      failures: count.describe('Failures.'),
      squaredRequests: count.describe('Squares of the requests of each window.'),
      squaredFailures: count.describe('Squares of the failures of each window.'),
      products: count.describe('Products of both.'),
    })
    .describe('Sums over the windows of the primary, which tell how much its failures come in bursts.'),
  step: z
    .object({
      start: z.string().describe('Start of the step.'),
      canary: armSchema.describe('The new version since.'),
    })
    .describe('The step under way.'),
})

/** What must be remembered of a metric from check to check, so that a new leader goes on and counts nothing twice. */
export const metricMemorySchema = z.object({
  metric: z.string().describe('Name of the metric.'),
  failedChecks: z.int().describe('Failed checks of the metric in this run.'),
  consecutiveFailedChecks: z.int().describe('Failed ones since the last that passed.'),
  evidence: evidenceSchema.optional().describe('Comparison with the primary so far.'),
})
export type MetricMemory = z.output<typeof metricMemorySchema>
