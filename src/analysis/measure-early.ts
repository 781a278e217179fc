import type { MetricVerdict } from '../api/index.ts'
import type { BuiltinMetric } from './builtin/metric.ts'
import { beginComparison, type Comparing, finishComparison } from './compare.ts'
import { askCounters, canaryOf, type Gains, primaryOf, renderQuery } from './counters.ts'
import { restoreEvidence } from './evidence-record.ts'
import { type GuardRules, guardRulesOf, isTelling, judgeLimit } from './judge/guard-rules.ts'
import type { Opinion } from './judge/opinion.ts'
import type { Measuring } from './measuring.ts'
import type { Measured, MeasureRequest } from './port.ts'
import { measuredWindow, type Window } from './window.ts'

type Early = NonNullable<MeasureRequest['early']>

/**
 * A look between two checks, on the same counters and by the same tests. Only what rolls back at once comes of it, or a
 * window of the comparison that is closed before its time; else the release does not learn that it was looked at.
 */
export async function measureEarly(
  measuring: Measuring,
  builtin: BuiltinMetric | undefined,
  early: Early,
): Promise<Measured> {
  const { check, request, scrapeIntervalMs } = measuring
  const rules = guardRulesOf(check.metric, early.settings)
  if (builtin === undefined || rules === undefined) return nothing(measuring, request.window, 'is not guarded')
  const window = { startMs: early.sinceMs, endMs: request.window.endMs }
  const settled = measuredWindow(request.window, { scrapeMs: scrapeIntervalMs, flushMs: builtin.flushMs })
  const comparing =
    rules.comparison && settled.ok
      ? beginComparison(rules.comparison, check.memory?.evidence, settled.value)
      : undefined
  const query = renderQuery(builtin, request.subject, { window, isCompared: comparing !== undefined })
  const gains = await askCounters(measuring, builtin, query, comparing ? [window, comparing.window] : [window])
  const found = { ...nothing(measuring, window, 'has nothing against it'), query, unit: builtin.unit }
  if (!('of' in gains)) return { ...found, state: gains.kind, message: gains.message }
  const looking: Looking = { measuring, builtin, rules, gains, found }
  return lookAtLimit(looking, window) ?? (comparing ? lookAtComparison(looking, comparing) : undefined) ?? found
}

interface Looking {
  readonly measuring: Measuring
  readonly builtin: BuiltinMetric
  readonly rules: GuardRules
  readonly gains: Gains
  readonly found: Measured
}

function lookAtLimit({ measuring, builtin, rules, gains, found }: Looking, window: Window): Measured | undefined {
  if (rules.limit === undefined) return undefined
  const { value, requests = 0, errors = 0 } = builtin.read(gains.of(canaryOf(measuring.request.subject), window))
  const opinion = judgeLimit({ requests, failures: errors }, rules.limit)
  return opinion && { ...found, value, requests, errors, ...rollBack(opinion) }
}

function lookAtComparison({ measuring, builtin, gains, found }: Looking, comparing: Comparing): Measured | undefined {
  const { check, request } = measuring
  const [canary, primary] = [canaryOf, primaryOf].map((backendOf) =>
    builtin.count(gains.of(backendOf(request.subject), comparing.window), comparing.settings),
  )
  if (!canary?.ok || !primary?.ok) return undefined
  const arms = { canary: canary.value, primary: primary.value }
  const { opinion, comparison, evidence } = finishComparison(comparing, arms, request)
  const isMismatch = opinion.rule === 'comparison.sampleRatio'
  const memory = { failedChecks: 0, consecutiveFailedChecks: 0, ...check.memory, metric: check.metric.name, evidence }
  const compared = { ...found, comparison, memory }
  if (opinion.state === 'failed') return { ...compared, ...rollBack(opinion) }
  const tolerated = restoreEvidence(check.memory?.evidence, comparing.settings)
  if (isMismatch || !isTelling(arms, tolerated)) return undefined
  return { ...compared, state: 'inconclusive', rule: opinion.rule, message: opinion.message }
}

const rollBack = (opinion: Opinion): Opinion & Pick<MetricVerdict, 'decision'> => ({
  ...opinion,
  decision: 'rollback',
})

const nothing = ({ check }: Measuring, window: Window, why: string): Measured => ({
  metric: check.metric.name,
  state: 'passed',
  thresholdRange: check.metric.thresholdRange ?? {},
  windowStart: new Date(window.startMs).toISOString(),
  windowEnd: new Date(window.endMs).toISOString(),
  query: '',
  decision: 'none',
  guard: true,
  message: `${check.metric.name} ${why}`,
})
