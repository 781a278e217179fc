import { type Change, note } from './decision.ts'
import type { Observation } from './observation.ts'
import { enterPromoting } from './phases/promoting.ts'
import { hooksOf } from './questions.ts'
import type { Cause } from './reasons.ts'
import { closeStep, enter, openStep, withProgress } from './run.ts'
import type { ActiveRelease } from './state.ts'
import { type PlannedStep, planSteps, recoveryPlan } from './weights.ts'

export const planOf = (state: ActiveRelease, { canary }: Observation): readonly PlannedStep[] =>
  state.run.progress.recovering ? recoveryPlan : planSteps(canary.spec.analysis)

export function nextStep(state: ActiveRelease, observation: Observation): Change {
  const planned = planOf(state, observation)[state.run.progress.stepIndex + 1]
  if (planned === undefined) return leaveSteps(state, observation)
  if (planned.isSwitch && isUnconfirmed(state, observation)) return enterWaitingPromotion(state, observation)
  const cause: Cause = { reason: 'WeightChanged', message: describe(planned, state.run.revision) }
  const closed = closeStep(state, 'passed', observation.now)
  return {
    state: { ...openStep(closed, planned, observation.now), cause, stalled: undefined },
    notes: [note('info', cause)],
  }
}

const isUnconfirmed = ({ run }: ActiveRelease, observation: Observation): boolean =>
  run.progress.confirmedAt === undefined && hooksOf(observation, 'confirm-promotion').length > 0

function describe({ kind, traffic, iterations }: PlannedStep, revision: string): string {
  if (kind === 'mirror') return `mirroring ${traffic.mirror}% of the requests to ${revision}`
  if (kind === 'match') return `${revision} gets the requests that match`
  if (kind === 'iterations') return `${revision} is checked ${iterations} times before it gets requests`
  return `${revision} gets ${traffic.canary}% of the requests`
}

/** The last step passed; it stays open, with its weight, while a gate is asked. */
function leaveSteps(state: ActiveRelease, observation: Observation): Change {
  return isUnconfirmed(state, observation)
    ? enterWaitingPromotion(state, observation)
    : enterPromoting(state, observation)
}

function enterWaitingPromotion(state: ActiveRelease, { now }: Observation): Change {
  const cause: Cause = { reason: 'Progressing', message: `${state.run.revision} passed every step` }
  return { state: enter(withProgress(state, { askedAt: undefined }), 'WaitingPromotion', now, cause), notes: [] }
}

/** Promotion was confirmed: the switch of blue/green comes next where there is one, else the promotion. */
export function goOnConfirmed(state: ActiveRelease, observation: Observation): Change {
  const { now } = observation
  const confirmed = withProgress(state, { confirmedAt: now, askedAt: undefined })
  return nextStep(enter(confirmed, 'Progressing', now, state.cause), observation)
}
