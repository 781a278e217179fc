import { type Arm, addArms, noRequests } from './arm.ts'
import { addToDispersion, type Dispersion, noDispersion, windowWeight } from './dispersion.ts'
import {
  type EValues,
  harmOf,
  mixture,
  noHarm,
  noSafety,
  safetyOf,
  type Tolerance,
  type WindowCounts,
} from './e-value.ts'

/** Everything that the windows of a run say about canary against primary; a fold, so it can be laid down and taken up. */
export interface Evidence extends Tolerance {
  /** Milliseconds since 1970; windows before it are counted. */
  readonly lastWindowEndMs: number
  readonly windows: number
  readonly canary: Arm
  readonly primary: Arm
  /** Log e-values that the canary is worse than tolerated, by ratio. */
  readonly harm: EValues
  /** Log e-values that it is not. */
  readonly safety: EValues
  /** Largest `mixture(harm)` so far. */
  readonly strongestHarm: number
  readonly dispersion: Dispersion
  /** The part that belongs to the step under way. */
  readonly step: StepEvidence
}

export interface StepEvidence {
  readonly startMs: number
  readonly canary: Arm
}

export interface EvidenceWindow extends WindowCounts {
  readonly startMs: number
  readonly endMs: number
  /** Start of the step the window belongs to. */
  readonly stepStartMs: number
}

export const noEvidence = ({ tolerance, margin }: Tolerance): Evidence => ({
  tolerance,
  margin,
  lastWindowEndMs: Number.NEGATIVE_INFINITY,
  windows: 0,
  canary: noRequests,
  primary: noRequests,
  harm: noHarm,
  safety: noSafety,
  strongestHarm: 0,
  dispersion: noDispersion,
  step: { startMs: Number.NEGATIVE_INFINITY, canary: noRequests },
})

/** No window weighs more than e, so whatever strikes once must be seen again. A smaller e-value is still one. */
const LARGEST_LOG_OF_A_WINDOW = 1

/** Counts one window. One that begins before the last one ended was counted in part, so it changes nothing. */
export function addWindow(evidence: Evidence, window: EvidenceWindow): Evidence {
  const { canary, primary, startMs, endMs, stepStartMs } = window
  if (startMs < evidence.lastWindowEndMs || endMs <= startMs) return evidence
  const weight = windowWeight(evidence.dispersion, canary, primary)
  const harm = add(evidence.harm, harmOf(window, evidence), weight)
  return {
    ...evidence,
    lastWindowEndMs: endMs,
    windows: evidence.windows + 1,
    canary: addArms(evidence.canary, canary),
    primary: addArms(evidence.primary, primary),
    harm,
    safety: add(evidence.safety, safetyOf(window, evidence), weight),
    strongestHarm: Math.max(evidence.strongestHarm, mixture(harm)),
    dispersion: addToDispersion(evidence.dispersion, primary),
    step: { startMs: stepStartMs, canary: addArms(stepSoFar(evidence, stepStartMs), canary) },
  }
}

/** Passes over a window whose requests do not belong to the comparison. */
export const skipWindow = (evidence: Evidence, { endMs, stepStartMs }: EvidenceWindow): Evidence => ({
  ...evidence,
  lastWindowEndMs: Math.max(evidence.lastWindowEndMs, endMs),
  step: { startMs: stepStartMs, canary: stepSoFar(evidence, stepStartMs) },
})

const stepSoFar = ({ step }: Evidence, stepStartMs: number): Arm =>
  step.startMs === stepStartMs ? step.canary : noRequests

const add = (logs: EValues, gained: EValues, weight: number): EValues =>
  logs.map((log, index) => log + Math.min(LARGEST_LOG_OF_A_WINDOW, weight * (gained[index] ?? 0)))
