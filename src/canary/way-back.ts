import { awaitProxies } from './acknowledgement.ts'
import { type Change, note } from './decision.ts'
import type { Observation } from './observation.ts'
import type { Cause } from './reasons.ts'
import { closeStep, currentStep, openStep } from './run.ts'
import type { ActiveRelease } from './state.ts'
import { intervalMsOf, parseTime } from './timing.ts'
import { isSplitUnsafe } from './wanted-traffic.ts'
import { weighted } from './weights.ts'

/** After promotion `stepWeightPromotion` gives the new primary time to warm up; where a split is unsafe nothing waits. */
export const hasWayBack = (state: ActiveRelease, observation: Observation): boolean =>
  observation.canary.spec.analysis.stepWeightPromotion !== undefined &&
  !isSplitUnsafe(state, observation) &&
  remainingWeight(state, observation) > 0

function remainingWeight(state: ActiveRelease, { route }: Observation): number {
  const step = currentStep(state)
  if (step?.kind === 'promotion') return step.weight
  return route.traffic === undefined || route.traffic.matching ? 0 : route.traffic.canary
}

/** Moves one step of traffic back to the primary, an interval after the proxies took the last one. */
export function stepBack(state: ActiveRelease, observation: Observation): Change | undefined {
  const step = currentStep(state)
  if (step?.kind !== 'promotion') return openStepBack(state, observation)
  if (step.programmedAt === undefined) return awaitProxies(state, observation, step)
  return observation.now < stepBackDueAt(state, observation) ? undefined : openStepBack(state, observation)
}

/** Time of the next step back; in the far future while there is none to wait for. */
export function stepBackDueAt(state: ActiveRelease, { canary }: Pick<Observation, 'canary'>): number {
  const step = currentStep(state)
  const programmedAt = step?.kind === 'promotion' && step.weight > 0 ? parseTime(step.programmedAt) : undefined
  return programmedAt === undefined ? Number.POSITIVE_INFINITY : programmedAt + intervalMsOf(canary.spec)
}

function openStepBack(state: ActiveRelease, observation: Observation): Change {
  const { now, canary } = observation
  const size = canary.spec.analysis.stepWeightPromotion ?? 100
  const weight = Math.max(0, remainingWeight(state, observation) - size)
  const planned = { kind: 'promotion', traffic: weighted(weight), iterations: 0 } as const
  const cause: Cause = {
    reason: 'WeightChanged',
    message: `the promoted primary gets ${100 - weight}% of the requests`,
  }
  const opened = openStep(closeStep(state, 'passed', now), planned, now)
  return { state: { ...opened, cause, stalled: undefined }, notes: [note('info', cause)] }
}
