import { type GuardSpan, guardRulesOf, isTelling, suspectLimit } from '../../src/analysis/judge/guard-rules.ts'
import { type Arm, addArms, noRequests } from '../../src/analysis/statistics/arm.ts'
import { mixture, type Tolerance, type WindowCounts } from '../../src/analysis/statistics/e-value.ts'
import { addWindow, type Evidence, noEvidence } from '../../src/analysis/statistics/evidence.ts'
import type { Metric } from '../../src/api/index.ts'
import { guardSettingsOf } from '../../src/api/index.ts'
import { binomial, type Random, seededRandom } from '../../src/cli/simulate/random.ts'
import type { Gate } from './simulation.ts'

/** Readings between two checks: an interval of 30 s at the guard's own 1 s. */
const READINGS = 30
const PROOF = Math.log(1 / 0.05)
const LONGEST_HISTORY = 64

/** The sequential comparison with the guard between its checks: it may close a window early, or prove harm at once. */
export function guardedComparisonGate(tolerated: Tolerance, seed = 1): Gate {
  const random = seededRandom(seed)
  let evidence: Evidence = noEvidence(tolerated)
  let startMs = 0
  let open: WindowCounts = { canary: noRequests, primary: noRequests }
  const closed = (endMs: number) => addWindow(evidence, { ...open, startMs, endMs, stepStartMs: 0 })
  const close = (endMs: number): void => {
    evidence = closed(endMs)
    startMs = endMs
    open = { canary: noRequests, primary: noRequests }
  }
  return (counts, check) => {
    for (const [index, reading] of splitCheck(counts, random).entries()) {
      open = { canary: addArms(open.canary, reading.canary), primary: addArms(open.primary, reading.primary) }
      const endMs = check * READINGS + index + 1
      const isCheck = index === READINGS - 1
      if (isCheck || isTelling(open, tolerated)) {
        if (mixture(closed(endMs).harm) >= PROOF) return true
        close(endMs)
      }
    }
    return false
  }
}

/** The limit that a range of 99 % has between its checks. */
export function guardedLimitGate(metric: Metric, seed = 1): Gate {
  const random = seededRandom(seed)
  const limit = guardRulesOf(metric, guardSettingsOf({}))?.limit
  let spans: readonly GuardSpan[] = []
  return (counts, check) => {
    for (const [index, reading] of splitCheck(counts, random).entries()) {
      const startMs = check * READINGS + index
      spans = [...spans, { ...reading, startMs, endMs: startMs + 1 }].slice(-LONGEST_HISTORY)
      if (limit !== undefined && suspectLimit(spans, limit, 0) !== undefined) return true
    }
    return false
  }
}

/** Every request of a check falls into one of its readings, any as likely as another. */
function splitCheck({ canary, primary }: WindowCounts, random: Random): readonly WindowCounts[] {
  const canaries = splitArm(canary, random)
  const primaries = splitArm(primary, random)
  return canaries.map((arm, index) => ({ canary: arm, primary: primaries[index] ?? noRequests }))
}

function splitArm({ requests, failures }: Arm, random: Random): readonly Arm[] {
  const failed = split(failures, random)
  return split(requests - failures, random).map((fine, index) => {
    const failures = failed[index] ?? 0
    return { requests: fine + failures, failures }
  })
}

function split(count: number, random: Random): readonly number[] {
  let left = count
  return Array.from({ length: READINGS }, (_, index) => {
    const part = binomial(left, 1 / (READINGS - index), random)
    left -= part
    return part
  })
}
