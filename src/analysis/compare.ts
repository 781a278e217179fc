import type { Comparison, MetricVerdict } from '../api/index.ts'
import type { Counted } from './builtin/metric.ts'
import { type RecordedEvidence, renderEvidence, restoreEvidence } from './evidence-record.ts'
import { judgeComparison, proofLimit } from './judge/comparison.ts'
import type { Opinion } from './judge/opinion.ts'
import { percent } from './judge/words.ts'
import type { MeasureRequest } from './port.ts'
import { mixture } from './statistics/e-value.ts'
import { addWindow, type Evidence, skipWindow } from './statistics/evidence.ts'
import { isSampleRatioOff } from './statistics/sample-ratio.ts'
import type { Window } from './window.ts'

/** A comparison under way: what is known, and the window that is added now. */
export interface Comparing {
  readonly settings: Comparison
  readonly evidence: Evidence
  readonly window: Window
}

/** The window begins where the last one ended, or where this step's requests begin; undefined before there is any. */
export function beginComparison(
  settings: Comparison,
  recorded: RecordedEvidence | undefined,
  settled: Window,
): Comparing | undefined {
  const evidence = restoreEvidence(recorded, settings)
  const startMs = Math.max(settled.startMs, evidence.lastWindowEndMs)
  return startMs < settled.endMs ? { settings, evidence, window: { startMs, endMs: settled.endMs } } : undefined
}

export interface Compared {
  readonly opinion: Opinion
  readonly comparison: NonNullable<MetricVerdict['comparison']>
  readonly evidence: RecordedEvidence
}

export interface Arms {
  readonly canary: Counted
  readonly primary: Counted
}

/** Adds the window, and says what all windows together mean. */
export function finishComparison(comparing: Comparing, arms: Arms, request: MeasureRequest): Compared {
  const { settings, window } = comparing
  const { canary, primary } = arms
  const mismatch = settings.sampleRatio === 'check' ? mismatchOf(arms, request.canaryShare) : undefined
  const added = { ...window, canary: bare(canary), primary: bare(primary), stepStartMs: request.window.startMs }
  const evidence = mismatch === undefined ? addWindow(comparing.evidence, added) : skipWindow(comparing.evidence, added)
  const comparisons = request.checks.filter(({ metric }) => metric.comparison && metric.dryRun !== true).length
  const opinion = judgeComparison({
    evidence,
    settings,
    comparisons,
    failing: canary.failing,
    nowMs: window.endMs,
    mismatch,
  })
  return {
    opinion,
    comparison: renderComparison(added, evidence, proofLimit(settings.alpha, comparisons)),
    evidence: renderEvidence(evidence),
  }
}

const bare = ({ requests, failures }: Counted) => ({ requests, failures })

function mismatchOf({ canary, primary }: Arms, share: number | undefined): string | undefined {
  if (share === undefined || !isSampleRatioOff(canary.requests, primary.requests, share)) return undefined
  const seen = percent(canary.requests / (canary.requests + primary.requests))
  return `the new version got ${seen} of the requests where the route gives it ${percent(share)}: requests come beside the route, or it does not hold`
}

function renderComparison(
  { startMs, endMs, canary, primary }: Window & Pick<Evidence, 'canary' | 'primary'>,
  evidence: Evidence,
  logEValueLimit: number,
): Compared['comparison'] {
  return {
    windowStart: new Date(startMs).toISOString(),
    windowEnd: new Date(endMs).toISOString(),
    canary,
    primary,
    logEValue: mixture(evidence.harm),
    logEValueLimit,
    logSafety: mixture(evidence.safety),
  }
}
