import type { MetricMemory } from '../api/index.ts'
import type { Tolerance } from './statistics/e-value.ts'
import { type Evidence, noEvidence } from './statistics/evidence.ts'

export type RecordedEvidence = NonNullable<MetricMemory['evidence']>

export function renderEvidence(evidence: Evidence): RecordedEvidence {
  const { lastWindowEndMs, harm, safety, step, ...others } = evidence
  return {
    ...others,
    lastWindowEnd: renderTime(lastWindowEndMs),
    harm: [...harm],
    safety: [...safety],
    step: { start: renderTime(step.startMs), canary: step.canary },
  }
}

/** Evidence that was gathered under another tolerance, or by another version of Sluice, proves nothing here. */
export function restoreEvidence(recorded: RecordedEvidence | undefined, tolerated: Tolerance): Evidence {
  const none = noEvidence(tolerated)
  if (recorded === undefined) return none
  const { lastWindowEnd, step, ...others } = recorded
  const isComparable =
    recorded.tolerance === tolerated.tolerance &&
    recorded.margin === tolerated.margin &&
    recorded.harm.length === none.harm.length &&
    recorded.safety.length === none.safety.length
  // Its windows stay counted: nothing may be counted twice under any tolerance.
  if (!isComparable) return { ...none, lastWindowEndMs: Date.parse(lastWindowEnd) }
  return {
    ...others,
    lastWindowEndMs: Date.parse(lastWindowEnd),
    step: { startMs: Date.parse(step.start), canary: step.canary },
  }
}

const renderTime = (milliseconds: number): string => new Date(milliseconds).toISOString()
