import type { CanaryRun, CanarySpec, Metric, MetricMemory, MetricVerdict, RunStep } from '../api/index.ts'
import { renderEvidence, restoreEvidence } from './evidence-record.ts'
import { judgeComparison } from './judge/comparison.ts'
import { decideOn } from './judge/decision.ts'
import { judgeErrorShare } from './judge/error-share.ts'
import type { Opinion } from './judge/opinion.ts'
import { judge } from './judge/threshold.ts'
import { addWindow } from './statistics/evidence.ts'

/** A check of a run as it was, and as it would have been under other settings. */
export interface ReplayedCheck {
  readonly metric: string
  readonly step: RunStep
  readonly recorded: MetricVerdict
  readonly replayed: Pick<MetricVerdict, 'state' | 'decision' | 'rule' | 'message'>
}

export interface Replay {
  readonly checks: readonly ReplayedCheck[]
  /** The check at which the run would have been taken back; absent where none of the recorded ones does it. */
  readonly rollback?: { readonly check: ReplayedCheck; readonly failedChecks: number } | undefined
}

/** Judges the recorded numbers of a run by the metrics of another analysis. Nothing is asked, so nothing new is learnt. */
export function replayRun(run: CanaryRun, { analysis }: Pick<CanarySpec, 'analysis'>): Replay {
  const metrics = analysis.metrics ?? []
  const memories = new Map<string, MetricMemory>()
  const checks: ReplayedCheck[] = []
  let failedChecks = 0
  for (const verdicts of recordedChecks(run)) {
    const replayed = verdicts.flatMap((recorded) => replayVerdict({ ...recorded, metrics }, memories))
    checks.push(...replayed)
    const failing = replayed.filter(({ replayed: { decision } }) => decision === 'fail' || decision === 'rollback')
    if (failing.length > 0) failedChecks += 1
    const final = failing.find(({ replayed: { decision } }) => decision === 'rollback')
    const check = final ?? (failedChecks >= analysis.threshold ? failing[0] : undefined)
    if (check) return { checks, rollback: { check, failedChecks } }
  }
  return { checks }
}

interface RecordedVerdict {
  readonly step: RunStep
  readonly recorded: MetricVerdict
}

/** Verdicts that were found together: a check ends where a metric comes again. */
function recordedChecks(run: CanaryRun): readonly (readonly RecordedVerdict[])[] {
  const checks: RecordedVerdict[][] = []
  for (const step of run.status?.steps ?? []) {
    let names = new Set<string>()
    for (const recorded of step.verdicts) {
      const last = checks.at(-1)
      if (names.size === 0 || names.has(recorded.metric) || last === undefined) {
        names = new Set()
        checks.push([{ step, recorded }])
      } else last.push({ step, recorded })
      names.add(recorded.metric)
    }
  }
  return checks
}

interface Replaying extends RecordedVerdict {
  readonly metrics: readonly Metric[]
}

interface Recorded extends Replaying {
  readonly metric: Metric
}

/** Nothing for a metric that the other analysis has not. */
function replayVerdict(replaying: Replaying, memories: Map<string, MetricMemory>): readonly ReplayedCheck[] {
  const { step, recorded, metrics } = replaying
  const metric = metrics.find(({ name }) => name === recorded.metric)
  if (metric === undefined) return []
  const before = memories.get(metric.name)
  const check: Recorded = { ...replaying, metric }
  const { opinion, evidence } = compareAgain(check, before)
  const opinions = [...opinionsOn(check), ...(opinion ? [opinion] : [])]
  const { failedChecks, consecutiveFailedChecks, ...replayed } = decideOn(metric, opinions, before)
  memories.set(metric.name, { metric: metric.name, failedChecks, consecutiveFailedChecks, evidence })
  return [{ metric: metric.name, step, recorded, replayed }]
}

/** A check that found nothing finds nothing again; numbers are judged anew. */
function opinionsOn({ metric, recorded }: Recorded): readonly Opinion[] {
  const { state, message, value, unit, requests = 0, errors = 0 } = recorded
  if (state === 'no-data' || state === 'query-error' || state === 'provider-down') {
    return [{ state, rule: recorded.rule ?? '', message }]
  }
  const { limits, thresholdRange, comparison } = metric
  const limited = limits && judgeErrorShare({ requests, failures: errors }, limits)
  const judged =
    thresholdRange &&
    judge(
      { title: metric.name, unit, value, evidence: value === undefined ? 'it was not recorded' : '' },
      thresholdRange,
    )
  const opinions = [...(limited ? [limited] : []), ...(judged ? [{ rule: 'thresholdRange', ...judged }] : [])]
  if (opinions.length > 0 || comparison !== undefined) return opinions
  return [{ state: 'passed', rule: 'limits.errorShare', message: `${errors} of ${requests} requests failed` }]
}

interface ComparedAgain {
  readonly opinion?: Opinion
  readonly evidence: MetricMemory['evidence']
}

function compareAgain({ metric, recorded, step, metrics }: Recorded, before: MetricMemory | undefined): ComparedAgain {
  const { comparison: settings } = metric
  const { comparison, rule, message } = recorded
  const kept = before?.evidence
  if (settings === undefined) return { evidence: kept }
  if (comparison === undefined) {
    const unknown = 'what the primary did is not on record'
    return { evidence: kept, opinion: { state: 'no-data', rule: 'comparison', message: unknown } }
  }
  if (rule === 'comparison.sampleRatio' && settings.sampleRatio === 'check') {
    return { evidence: kept, opinion: { state: 'inconclusive', rule, message } }
  }
  const endMs = Date.parse(comparison.windowEnd)
  const evidence = addWindow(restoreEvidence(kept, settings), {
    startMs: Date.parse(comparison.windowStart),
    endMs,
    stepStartMs: Date.parse(step.programmedAt ?? step.startedAt),
    canary: comparison.canary,
    primary: comparison.primary,
  })
  const comparisons = metrics.filter((each) => each.comparison && each.dryRun !== true).length
  const failing = settings.slowerThan === undefined ? 'failed' : 'were slow'
  return {
    evidence: renderEvidence(evidence),
    opinion: judgeComparison({ evidence, settings, comparisons, failing, nowMs: endMs }),
  }
}
