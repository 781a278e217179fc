import type { Comparison, GuardSettings, Limits, Metric } from '../../api/index.ts'
import type { Arm } from '../statistics/arm.ts'
import { addArms, noRequests } from '../statistics/arm.ts'
import { harmOf, mixture, type Tolerance, type WindowCounts } from '../statistics/e-value.ts'
import { judgeErrorShare } from './error-share.ts'
import type { Opinion } from './opinion.ts'

/** What of a metric may roll a release back between two checks; nothing else of it is looked at there. */
export interface GuardRules {
  /** A ceiling on the share of failed requests. */
  readonly limit?: GuardLimit | undefined
  readonly comparison?: Comparison | undefined
}

export interface GuardLimit extends Limits {
  /** Setting that a verdict names. */
  readonly rule: 'limits.errorShare' | 'analysis.guard.errorShare'
}

/** Undefined for a metric that can decide nothing between checks: dry runs, and those without a rule for counts. */
export function guardRulesOf(metric: Metric, settings: GuardSettings): GuardRules | undefined {
  if (metric.dryRun === true || metric.templateRef !== undefined) return undefined
  const limit = limitOf(metric, settings)
  const { comparison } = metric
  return limit === undefined && comparison === undefined ? undefined : { limit, comparison }
}

/**
 * A check that leaves its range counts towards `threshold`, and a few seconds of it must not. What rolls back between
 * checks is a version that certainly fails far more requests than a range that was meant for ratios could excuse.
 * Slow requests wait for their check: new pods are slow before they are warm.
 */
function limitOf({ name, thresholdRange, limits }: Metric, guard: GuardSettings): GuardLimit | undefined {
  if (limits !== undefined) return { ...limits, rule: 'limits.errorShare' }
  if (name !== 'request-success-rate' || thresholdRange?.min === undefined) return undefined
  const errorShare = Math.max(guard.errorShare, 1 - thresholdRange.min / 100)
  return { rule: 'analysis.guard.errorShare', minRequests: guard.minRequests, errorShare }
}

/** Higher than that of a check: the guard looks at hundreds of overlapping windows of a release. */
const CERTAINTY_Z = 4

/** Whether the limit is certainly exceeded. */
export function judgeLimit(arm: Arm, limit: GuardLimit): Opinion | undefined {
  const opinion = judgeErrorShare(arm, limit, CERTAINTY_Z)
  return opinion && { ...opinion, rule: limit.rule }
}

/**
 * The log e-value from which a window of the comparison is closed before its check. No window weighs more than e, so
 * closing each as early as possible would let one burst be counted many times; at 1,000 : 1 it is no burst.
 * Simulated with bursts and changing traffic: still at most alpha of the healthy releases are rolled back.
 */
const TELLING = Math.log(1_000)

export const isTelling = (counts: WindowCounts, tolerated: Tolerance): boolean =>
  mixture(harmOf(counts, tolerated)) >= TELLING

/** What two versions did between two readings. */
export interface GuardSpan extends WindowCounts {
  readonly startMs: number
  readonly endMs: number
}

/** Start of the shortest span, up to now and not before `sinceMs`, in which the limit is certainly exceeded. */
export function suspectLimit(spans: readonly GuardSpan[], limit: GuardLimit, sinceMs: number): number | undefined {
  let arm = noRequests
  for (const span of [...spans].reverse()) {
    if (span.startMs < sinceMs) return undefined
    arm = addArms(arm, span.canary)
    if (judgeLimit(arm, limit) !== undefined) return span.startMs
  }
  return undefined
}

/** Whether the spans since `sinceMs`, taken together, are a window that tells against the new version. */
export function suspectComparison(spans: readonly GuardSpan[], settings: Comparison, sinceMs: number): boolean {
  const counted = spans.filter(({ startMs }) => startMs >= sinceMs)
  const sum = (arm: 'canary' | 'primary') => counted.reduce((total, span) => addArms(total, span[arm]), noRequests)
  return isTelling({ canary: sum('canary'), primary: sum('primary') }, settings)
}
