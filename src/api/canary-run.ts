import { z } from 'zod'
import type { KubernetesObject, ResourceKind } from './kubernetes/meta.ts'
import { armSchema, metricMemorySchema } from './metric-memory.ts'
import { phaseSchema } from './phase.ts'
import { objectMetaSchema } from './schema.ts'

/** Six different answers to "may the weight rise?": only `passed` lets it, unless a policy of the metric says more. */
export const metricStateSchema = z.enum(['passed', 'failed', 'inconclusive', 'no-data', 'query-error', 'provider-down'])

export const verdictDecisionSchema = z.enum(['pass', 'fail', 'rollback', 'hold', 'none'])

export const metricVerdictSchema = z.object({
  metric: z.string().describe('Name of the metric.'),
  state: metricStateSchema.describe('What was found.'),
  value: z.number().optional().describe('Measured value.'),
  unit: z.string().optional().describe('Unit of the value: percent, milliseconds, or empty.'),
  thresholdRange: z
    .object({
      min: z.number().optional().describe('Smallest value that passes.'),
      max: z.number().optional().describe('Largest value that passes.'),
    })
    .describe('Values that pass.'),
  query: z.string().describe('Query as it was sent.'),
  windowStart: z.string().describe('Start of the measured window.'),
  windowEnd: z.string().describe('End of the measured window.'),
  requests: z.number().optional().describe('Requests that the new version answered or lost in the window.'),
  errors: z.number().optional().describe('Failed ones among them.'),
  comparison: z
    .object({
      windowStart: z.string().describe('Start of the window that was compared.'),
      windowEnd: z.string().describe('End of it.'),
      canary: armSchema.describe('The new version in the window.'),
      primary: armSchema.describe('The primary in the window.'),
      logEValue: z.number().describe('Evidence of the run that the new version is worse than tolerated.'),
      logEValueLimit: z.number().describe('Evidence at which it is rolled back.'),
      logSafety: z.number().describe('Evidence of the run that it is not worse.'),
    })
    .optional()
    .describe('Comparison with the primary.'),
  rule: z.string().optional().describe('Setting of the metric that decided.'),
  decision: verdictDecisionSchema
    .optional()
    .describe('What the release makes of it: `fail` counts towards the threshold, `rollback` is at once.'),
  guard: z.boolean().optional().describe('The continuous guard asked for it, between two checks.'),
  message: z.string().describe('The verdict in one sentence, with its numbers.'),
})
export type MetricVerdict = z.output<typeof metricVerdictSchema>

export const runStepSchema = z.object({
  kind: z.enum(['mirror', 'weight', 'match', 'iterations', 'promotion']).describe('What the step moves.'),
  weight: z.int().describe('Percentage of requests that the new version gets.'),
  mirrorWeight: z.int().describe('Percentage of requests that is mirrored to it.'),
  session: z.string().optional().describe('Revision whose users stay with it, by their cookie.'),
  startedAt: z.string().describe('Time the step was decided.'),
  programmedAt: z.string().optional().describe('Time from which every proxy concerned had the weight.'),
  endedAt: z.string().optional().describe('Time the step was left.'),
  outcome: z.enum(['passed', 'failed', 'superseded', 'running']).describe('How the step ended.'),
  verdicts: z.array(metricVerdictSchema).max(50).describe('Newest verdicts of the step, oldest first.'),
})
export type RunStep = z.output<typeof runStepSchema>

/** Where a run stands, so that a new leader goes on exactly there. Times are the controller's own. */
export const runProgressSchema = z.object({
  phase: phaseSchema.describe('Phase of the release.'),
  since: z.string().describe('Time the phase began.'),
  reason: z.string().describe('One CamelCase word for what the release is doing.'),
  message: z.string().describe('The same in a sentence.'),
  readyAt: z.string().optional().describe('Time the new version was first ready.'),
  unreadyAt: z.string().optional().describe('Time since which the new version is not ready.'),
  preparedAt: z.string().optional().describe('Time the pre-rollout webhooks passed.'),
  askedAt: z.string().optional().describe('Time the gate was last asked.'),
  confirmedAt: z.string().optional().describe('Time the promotion was confirmed.'),
  rollbackAskedAt: z.string().optional().describe('Time the rollback webhooks were last asked.'),
  farewellDue: z.boolean().optional().describe('The post-rollout webhooks were not called yet.'),
  stepIndex: z.int().describe('Number of the current step, from 0; -1 before the first.'),
  checkedAt: z.string().optional().describe('Start of the wait for the next check.'),
  verdictAt: z.string().optional().describe('Time of the last verdict that was pass or fail.'),
  lastCheck: z.enum(['passed', 'failed', 'inconclusive', 'missing']).optional().describe('Result of the last check.'),
  failedChecks: z.int().describe('Failed checks of the run.'),
  iterations: z.int().describe('Passing checks of the current step.'),
  metrics: z.array(metricMemorySchema).max(32).optional().describe('What each metric has shown so far.'),
  command: z.enum(['promote', 'abort']).optional().describe('What an operator asked for.'),
  returning: z.boolean().optional().describe('The revision was promoted lately: it needs no steps.'),
  frozenAt: z.string().optional().describe('Time a check failed the run, which then stays as it is.'),
  recovering: z.boolean().optional().describe('The primary had no ready pod when the run began.'),
  heldAt: z.string().optional().describe('Time the promotion failed; traffic stays on ready pods since.'),
  ending: z
    .object({
      outcome: z.enum(['Failed', 'Superseded']).describe('How the run will have ended.'),
      reason: z.string().describe('One CamelCase word for the cause.'),
      message: z.string().describe('The cause in a sentence, with the numbers that decided.'),
      since: z.string().describe('Time it was decided.'),
    })
    .optional()
    .describe('The run is taken back: weight 0 first, then the new version is scaled down.'),
})

/** An alert as it was decided: whatever happens to the controller, it is sent, under this id each time. */
const owedNoticeSchema = z.object({
  id: z.string().describe('Tells two deliveries of one notice apart from two notices.'),
  severity: z.enum(['info', 'warn', 'error']).describe('Severity of the alert.'),
  reason: z.string().describe('One CamelCase word for what happened.'),
  message: z.string().describe('The same in a sentence.'),
  phase: phaseSchema.describe('Phase of the release then.'),
  weight: z.int().describe('Percentage of requests that the new version had then.'),
  time: z.string().describe('Time it was decided.'),
})
export type OwedNotice = z.output<typeof owedNoticeSchema>

export const canaryRunSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: objectMetaSchema,
  spec: z
    .object({
      canary: z.string().describe('Name of the Canary.'),
      revision: z.string().describe('Hash of the pod template that is released.'),
      images: z.array(z.string()).describe('Images of the pod template; of a Service, where it leads.'),
      previousImages: z.array(z.string()).optional().describe('Images of the primary when the change was seen.'),
      startedAt: z.string().describe('Time the change was seen.'),
      beginning: z
        .enum(['recovering', 'returning'])
        .optional()
        .describe('The primary had no ready pod, or the revision was promoted within the rollback window.'),
      target: z
        .object({
          uid: z.string().describe('Identity of the workload.'),
          generation: z.int().describe('Its generation when the change was seen.'),
        })
        .optional()
        .describe('The workload as it was seen: a controller that knows an older one is behind.'),
    })
    .describe('What is released.'),
  status: z
    .object({
      phase: z.enum(['Running', 'Succeeded', 'Failed', 'Superseded']).describe('How the run stands.'),
      reason: z.string().describe('One CamelCase word for the cause.'),
      message: z.string().describe('The cause in a sentence, with the numbers that decided.'),
      endedAt: z.string().optional().describe('Time the run ended.'),
      steps: z.array(runStepSchema).max(200).describe('Steps in order.'),
      progress: runProgressSchema.optional().describe('Private state of the controller.'),
      notices: z.array(owedNoticeSchema).max(32).optional().describe('Alerts that are not known to be delivered.'),
    })
    .optional()
    .describe('What happened.'),
})

export interface CanaryRun extends KubernetesObject {
  readonly spec: z.output<typeof canaryRunSchema>['spec']
  readonly status?: NonNullable<z.output<typeof canaryRunSchema>['status']>
}

export const canaryRunKind: ResourceKind<CanaryRun> = {
  group: 'sluice.dev',
  version: 'v1',
  kind: 'CanaryRun',
  plural: 'canaryruns',
  namespaced: true,
}
