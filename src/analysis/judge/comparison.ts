import type { Comparison } from '../../api/index.ts'
import { parseDuration, renderDuration } from '../../base/index.ts'
import type { Arm } from '../statistics/arm.ts'
import { mixture } from '../statistics/e-value.ts'
import type { Evidence } from '../statistics/evidence.ts'
import type { Opinion } from './opinion.ts'
import { percent, times } from './words.ts'

export interface ComparisonInput {
  readonly evidence: Evidence
  readonly settings: Comparison
  /** Metrics that share `alpha`. */
  readonly comparisons: number
  /** What a failure is: `failed`, `took longer than 250ms`. */
  readonly failing: string
  readonly nowMs: number
  /** Requests did not reach the versions as the route says. */
  readonly mismatch?: string | undefined
}

/** Log e-value at which one of several comparisons has proof: the chance of being wrong is split between them. */
export const proofLimit = (alpha: number, comparisons: number): number => Math.log(Math.max(1, comparisons) / alpha)

/** The log e-value from which a step waits: harm explains what was seen at least twice as well as luck does. */
const DOUBT = Math.log(2)

/** What the evidence of the run, up to now, says of this step. */
export function judgeComparison(input: ComparisonInput): Opinion {
  const { evidence, settings, mismatch } = input
  if (mismatch !== undefined) return { state: 'inconclusive', rule: 'comparison.sampleRatio', message: mismatch }
  const limit = proofLimit(settings.alpha, input.comparisons)
  const numbers = describe(evidence, input.failing)
  const allowed = `${1 + settings.tolerance} times the primary's share plus ${percent(settings.margin)}`
  const harm = mixture(evidence.harm)
  if (Math.max(harm, evidence.strongestHarm) >= limit) {
    const proof = `e-value ${times(evidence.strongestHarm)}, proof from ${times(limit)}`
    return { state: 'failed', rule: 'comparison.alpha', message: `${numbers}: worse than ${allowed} (${proof})` }
  }
  if (evidence.step.canary.requests === 0) {
    return { state: 'no-data', rule: 'comparison', message: 'no requests to compare in this step' }
  }
  return judgeStep(input, { limit, harm, numbers, allowed })
}

interface Found {
  readonly limit: number
  readonly harm: number
  readonly numbers: string
  readonly allowed: string
}

function judgeStep({ evidence, settings, nowMs }: ComparisonInput, { limit, harm, numbers, allowed }: Found): Opinion {
  const elapsedMs = nowMs - evidence.step.startMs
  const shortfall = shortfallOf(evidence, settings, { elapsedMs, isSuspicious: harm >= DOUBT })
  const isProven = mixture(evidence.safety) >= limit
  if (shortfall === undefined || (isProven && shortfall.rule !== 'comparison.minDuration')) {
    const how = isProven ? `not worse than ${allowed}` : 'no sign of harm'
    const rule = isProven ? 'comparison.margin' : 'comparison.minRequests'
    return { state: 'passed', rule, message: `${numbers}: ${how} (e-value ${times(harm)} of ${times(limit)})` }
  }
  const patience = millisecondsOf(settings.minDuration) + millisecondsOf(settings.maxExtension)
  if (elapsedMs < patience)
    return { state: 'inconclusive', rule: shortfall.rule, message: `${numbers}: ${shortfall.why}` }
  const late = `not settled within ${renderDuration(patience)}: ${shortfall.why}`
  return { state: 'inconclusive', rule: 'comparison.maxExtension', message: `${numbers}: ${late}` }
}

interface Shortfall {
  readonly rule: string
  readonly why: string
}

/** What a step still lacks to pass without proof. */
function shortfallOf(
  { step, primary }: Evidence,
  { minDuration, minRequests }: Comparison,
  { elapsedMs, isSuspicious }: { readonly elapsedMs: number; readonly isSuspicious: boolean },
): Shortfall | undefined {
  if (elapsedMs < millisecondsOf(minDuration)) {
    return { rule: 'comparison.minDuration', why: `the step lasts at least ${minDuration}` }
  }
  const requests = Math.min(step.canary.requests, primary.requests)
  if (requests < minRequests) {
    const whose = primary.requests < step.canary.requests ? 'of the primary' : 'of this step'
    return { rule: 'comparison.minRequests', why: `${requests} requests ${whose}, ${minRequests} are needed` }
  }
  // Between doubt and proof a step neither passes nor fails: more requests settle it.
  return isSuspicious ? { rule: 'comparison.alpha', why: 'signs of harm, short of proof' } : undefined
}

function describe({ canary, primary }: Evidence, failing: string): string {
  return `${share(canary)} ${failing}, ${share(primary)} of the primary`
}

const share = ({ requests, failures }: Arm): string =>
  `${failures} of ${requests}${requests > 0 ? ` (${percent(failures / requests)})` : ''}`

/** The API refuses what cannot be read. */
function millisecondsOf(text: string): number {
  const parsed = parseDuration(text)
  return parsed.ok ? parsed.value : 0
}
