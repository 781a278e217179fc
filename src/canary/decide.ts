import { type Change, type Decision, type Note, note } from './decision.ts'
import { oweFarewell } from './farewell.ts'
import { targetNotFound } from './guards.ts'
import { isSameCause } from './hold.ts'
import type { Observation } from './observation.ts'
import { finalising } from './phases/finalising.ts'
import { idle } from './phases/idle.ts'
import { initializing } from './phases/initializing.ts'
import { progressing } from './phases/progressing.ts'
import { promoting } from './phases/promoting.ts'
import { terminating } from './phases/terminating.ts'
import { waiting } from './phases/waiting.ts'
import { waitingPromotion } from './phases/waiting-promotion.ts'
import { withdrawing } from './phases/withdrawing.ts'
import { planActions } from './plan.ts'
import type { Cause, Reason } from './reasons.ts'
import { type ActiveRelease, isActive, type ReleaseState } from './state.ts'
import { resume, suspend } from './suspension.ts'
import { describeTarget } from './target.ts'
import { wakeTime } from './wake.ts'

/** Transitions that need nothing from the world follow each other in one pass; more than this is a mistake. */
const LONGEST_CHAIN = 16

/** The release state machine: what comes next, what must be done for it, and why. It reads no clock but `now`. */
export function decide(recorded: ReleaseState, observation: Observation): Decision {
  if (observation.canary.metadata.deletionTimestamp !== undefined) return terminating(recorded, observation)
  if (observation.canary.spec.suspend) return { ...unchanged(recorded), ...suspend(recorded, observation.now) }
  const resumed = resume(recorded, observation.now)
  const refusal = refusalOf(resumed, observation)
  if (refusal) return refuse(resumed, refusal)
  const { state, notes } = settle(clearRefusal(resumed), observation)
  return {
    next: state,
    actions: planActions(recorded, state, observation),
    reason: state.stalled ?? state.cause,
    notes,
    wakeAt: hasMoved(recorded, state) ? observation.now : wakeTime(state, observation),
  }
}

/** Some actions wait until the phase they belong to is on record: the next pass performs them. */
const hasMoved = (recorded: ReleaseState, state: ReleaseState): boolean =>
  recorded.phase !== state.phase ||
  recorded.run?.outcome !== state.run?.outcome ||
  recorded.run?.name !== state.run?.name ||
  recorded.run?.steps.length !== state.run?.steps.length

const unchanged = (state: ReleaseState): Decision => ({
  next: state,
  actions: [],
  reason: state.stalled ?? state.cause,
  notes: [],
})

function settle(recorded: ReleaseState, observation: Observation): Change {
  let state = recorded
  const notes: Note[] = []
  for (let length = 0; length < LONGEST_CHAIN; length++) {
    const change = advance(state, observation)
    if (change === undefined) return { state, notes }
    state = change.state
    notes.push(...change.notes)
    // The end of a run is recorded before the next may begin, and its beginning before anything comes of it.
    if (state.run?.outcome !== recorded.run?.outcome || state.run?.name !== recorded.run?.name)
      return { state: oweFarewell(recorded, state, observation), notes }
  }
  throw new Error(`phase ${state.phase} does not settle: ${state.cause.message}`)
}

function advance(state: ReleaseState, observation: Observation): Change | undefined {
  if (!isActive(state)) return isBeforeFirst(state) ? initializing(state, observation) : idle(state, observation)
  if (state.run.progress.ending) return withdrawing(state, observation, state.run.progress.ending)
  return advanceRun(state, observation)
}

const isBeforeFirst = ({ phase }: ReleaseState): boolean => phase === '' || phase === 'Initializing'

function advanceRun(state: ActiveRelease, observation: Observation): Change | undefined {
  switch (state.phase) {
    case 'Waiting':
      return waiting(state, observation)
    case 'Progressing':
      return progressing(state, observation)
    case 'WaitingPromotion':
      return waitingPromotion(state, observation)
    case 'Promoting':
      return promoting(state, observation)
    case 'Finalising':
      return finalising(state, observation)
    case '':
    case 'Initializing':
    case 'Initialized':
    case 'Succeeded':
    case 'Failed':
    case 'Terminating':
      return undefined
    default:
      return state.phase satisfies never
  }
}

const refusalReasons: readonly Reason[] = [
  'TargetNotFound',
  'TargetClaimed',
  'UnsupportedTarget',
  'AutoscalerNotFound',
  'UnsupportedSelector',
  'ObjectOwnedByOther',
  'CrossNamespaceReference',
  'TemplateNotFound',
  'PrimaryMissing',
  'InvalidCanary',
  'RequestRefused',
]

/** A run that is on its way out or in promotion goes on: stopping half-way is worse than any refusal. */
function refusalOf(state: ReleaseState, observation: Observation): Cause | undefined {
  const { phase, run } = state
  const isCommitted = isActive(state) && (phase === 'Promoting' || phase === 'Finalising' || run?.progress.ending)
  if (isCommitted) return undefined
  if (observation.refusal && !(isActive(state) && isAnsweredByChecks(observation.refusal))) return observation.refusal
  if (isActive(state)) return undefined
  if (observation.target === undefined) return targetNotFound(observation)
  return primaryMissing(state, observation)
}

/** While a run is on, a query that cannot be made is a missing verdict, with its own deadline. */
const isAnsweredByChecks = ({ reason }: Cause): boolean =>
  reason === 'TemplateNotFound' || reason === 'CrossNamespaceReference'

function primaryMissing(state: ReleaseState, { primary, target, canary }: Observation): Cause | undefined {
  const canBeMade = isBeforeFirst(state) || target?.revision === state.lastPromotedSpec
  if (primary !== undefined || canBeMade) return undefined
  const message = `${describeTarget(canary)}-primary is gone and ${target?.revision} was never promoted: set the workload back to ${state.lastPromotedSpec}`
  return { reason: 'PrimaryMissing', message }
}

function refuse(state: ReleaseState, refusal: Cause): Decision {
  if (isSameCause(state.stalled, refusal)) return unchanged(state)
  const notes = state.stalled?.reason === refusal.reason ? [] : [note('warn', refusal)]
  return { next: { ...state, stalled: refusal }, actions: [], reason: refusal, notes }
}

function clearRefusal(state: ReleaseState): ReleaseState {
  const { stalled } = state
  const isRefusal = stalled !== undefined && refusalReasons.includes(stalled.reason)
  return isRefusal ? { ...state, stalled: undefined } : state
}
