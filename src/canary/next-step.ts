import { describeVersion } from '../api/index.ts'
import { isSteady } from './check.ts'
import { type Change, note } from './decision.ts'
import { gateAnswer, hasGate, holdAtGate } from './gates.ts'
import type { Observation } from './observation.ts'
import { enterPromoting } from './phases/promoting.ts'
import type { Cause } from './reasons.ts'
import { closeStep, currentStep, enter, openStep, withProgress } from './run.ts'
import type { ActiveRelease } from './state.ts'
import { isIncrease, nextPlanned } from './step-plan.ts'
import type { PlannedStep } from './weights.ts'

/** Opens the next step, or leaves the steps; undefined while a gate that may hold it was not asked. */
export function nextStep(state: ActiveRelease, observation: Observation): Change | undefined {
  const planned = nextPlanned(state, observation)
  if (planned === undefined) return leaveSteps(state, observation)
  if (planned.isSwitch && isUnconfirmed(state, observation)) return enterWaitingPromotion(state, observation)
  const held = holdIncrease(state, observation, planned)
  return held === 'open' ? openNext(state, observation, planned) : held
}

function openNext(state: ActiveRelease, observation: Observation, planned: PlannedStep): Change {
  const cause: Cause = { reason: 'WeightChanged', message: describe(planned, describeVersion(state.run)) }
  const closed = closeStep(state, 'passed', observation.now)
  return {
    state: {
      ...openStep(closed, keepingUsers(state, observation, planned), observation.now),
      cause,
      stalled: undefined,
    },
    notes: [note('info', cause)],
  }
}

/** A cookie is worth one revision: after the run nothing looks at it any more. */
function keepingUsers(state: ActiveRelease, { canary }: Observation, planned: PlannedStep): PlannedStep {
  if (planned.kind !== 'weight' || canary.spec.analysis.sessionAffinity === undefined) return planned
  return { ...planned, traffic: { ...planned.traffic, session: state.run.revision } }
}

/** `confirm-traffic-increase` is asked once the step has passed; the analysis goes on while it says no. */
function holdIncrease(
  state: ActiveRelease,
  observation: Observation,
  planned: PlannedStep,
): Change | 'open' | undefined {
  const isAsked = isIncrease(state, planned) && hasGate(state, observation, 'confirm-traffic-increase')
  // Whoever confirmed the promotion has confirmed the switch to it.
  if (!isAsked || state.run.progress.confirmedAt !== undefined) return 'open'
  const answer = gateAnswer(state, observation)
  if (answer === undefined) return undefined
  if (answer.ok) return currentStep(state) === undefined || isSteady(state, observation) ? 'open' : undefined
  return holdAtGate(state, observation, answer, 'WaitingForTrafficIncrease')
}

const isUnconfirmed = (state: ActiveRelease, observation: Observation): boolean =>
  state.run.progress.confirmedAt === undefined && hasGate(state, observation, 'confirm-promotion')

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
  const cause: Cause = { reason: 'Progressing', message: `${describeVersion(state.run)} passed every step` }
  return { state: enter(withProgress(state, { askedAt: undefined }), 'WaitingPromotion', now, cause), notes: [] }
}

/** Promotion was confirmed: the switch of blue/green comes next where there is one, else the promotion. */
export function goOnConfirmed(state: ActiveRelease, observation: Observation): Change | undefined {
  const { now } = observation
  const confirmed = withProgress(state, { confirmedAt: now, askedAt: undefined })
  return nextStep(enter(confirmed, 'Progressing', now, state.cause), observation)
}
