import type { Metric, MetricMemory, MetricVerdict } from '../../api/index.ts'
import type { Opinion } from './opinion.ts'

type Decision = NonNullable<MetricVerdict['decision']>

export interface Decided extends Opinion {
  readonly decision: Decision
  readonly failedChecks: number
  readonly consecutiveFailedChecks: number
}

type Counts = Pick<MetricMemory, 'failedChecks' | 'consecutiveFailedChecks'>

const noFailures: Counts = { failedChecks: 0, consecutiveFailedChecks: 0 }

/** Rules that speak with certainty: one such failure ends the run. */
const CERTAIN_RULES: readonly string[] = ['limits.errorShare', 'comparison.alpha']

/** The most cautious decision speaks, and where two say the same, the worse finding. */
const DECISIONS: readonly Decision[] = ['rollback', 'fail', 'hold', 'pass']
const STATES: readonly Opinion['state'][] = [
  'failed',
  'query-error',
  'provider-down',
  'no-data',
  'inconclusive',
  'passed',
]

/** What the release makes of the opinions on a metric, by its policies and limits. */
export function decideOn(metric: Metric, opinions: readonly Opinion[], before: Counts = noFailures): Decided {
  const decision = DECISIONS.find((each) => opinions.some((one) => policyOn(metric, one) === each)) ?? 'hold'
  const speaking = sayWorst(opinions.filter((opinion) => policyOn(metric, opinion) === decision))
  if (metric.dryRun === true) return { ...speaking, ...before, decision: 'none' }
  if (decision === 'pass') return { ...speaking, ...before, consecutiveFailedChecks: 0, decision }
  if (decision !== 'fail') return { ...speaking, ...before, decision }
  const counts = {
    failedChecks: before.failedChecks + 1,
    consecutiveFailedChecks: before.consecutiveFailedChecks + 1,
  }
  const exceeded = exceededLimit(metric, counts)
  if (exceeded === undefined) return { ...speaking, ...counts, decision }
  const message = `${speaking.message} (${exceeded.why})`
  return { ...speaking, ...counts, rule: exceeded.rule, message, decision: 'rollback' }
}

function sayWorst(opinions: readonly Opinion[]): Opinion {
  const worst = STATES.find((state) => opinions.some((opinion) => opinion.state === state)) ?? 'no-data'
  const named = opinions.filter(({ state }) => state === worst)
  return { state: worst, rule: named[0]?.rule ?? '', message: named.map(({ message }) => message).join('; ') }
}

function policyOn(metric: Metric, { state, rule }: Opinion): Decision {
  switch (state) {
    case 'passed':
      return 'pass'
    case 'failed':
      return CERTAIN_RULES.includes(rule) ? 'rollback' : 'fail'
    case 'no-data':
      return metric.onNoData ?? 'hold'
    case 'query-error':
      return metric.onQueryError ?? 'hold'
    case 'provider-down':
      return metric.onProviderDown ?? 'hold'
    case 'inconclusive':
      return rule === 'comparison.maxExtension' ? (metric.comparison?.inconclusive ?? 'hold') : 'hold'
    default:
      return state satisfies never
  }
}

function exceededLimit(metric: Metric, { failedChecks, consecutiveFailedChecks }: Counts) {
  const { failureLimit, consecutiveFailureLimit } = metric
  if (failureLimit !== undefined && failedChecks > failureLimit) {
    return { rule: 'failureLimit', why: `failed check ${failedChecks} of the metric, ${failureLimit} are allowed` }
  }
  if (consecutiveFailureLimit !== undefined && consecutiveFailedChecks > consecutiveFailureLimit) {
    const why = `failed ${consecutiveFailedChecks} times in a row, ${consecutiveFailureLimit} are allowed`
    return { rule: 'consecutiveFailureLimit', why }
  }
  return undefined
}
