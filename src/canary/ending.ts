import { alert, type Change, type Note } from './decision.ts'
import type { Observation } from './observation.ts'
import type { Cause } from './reasons.ts'
import { closeRun, closeStep, enter, withProgress } from './run.ts'
import type { ActiveRelease, Ending } from './state.ts'

/** Takes a run back before its promotion has begun: the route goes to weight 0 in this pass. */
export function beginEnding(
  state: ActiveRelease,
  observation: Observation,
  outcome: Ending['outcome'],
  cause: Cause,
): Change {
  const notes: readonly Note[] = [alert(outcome === 'Failed' ? 'error' : 'info', cause)]
  if (state.run.progress.recovering) return { state: endOnReadyPods(state, outcome, cause, observation.now), notes }
  const closed = closeStep(state, outcome === 'Failed' ? 'failed' : 'superseded', observation.now)
  const ending: Ending = { outcome, cause, since: observation.now }
  return { state: { ...withProgress(closed, { ending }), cause }, notes }
}

/** Ends a run without a way back: traffic stays where pods are ready. */
export function endOnReadyPods(state: ActiveRelease, outcome: Ending['outcome'], cause: Cause, now: number) {
  const held = withProgress(state, { heldAt: now })
  const phase = outcome === 'Failed' ? 'Failed' : held.phase
  return enter(closeRun(held, outcome, cause, now), phase, now, cause)
}

export const failed = (state: ActiveRelease, observation: Observation, cause: Cause): Change =>
  beginEnding(state, observation, 'Failed', cause)

/** What checks have found, as `failurePolicy` wants it. A freeze is for what can not be taken back by moving traffic. */
export function failedByEvidence(state: ActiveRelease, observation: Observation, cause: Cause): Change {
  if (observation.canary.spec.failurePolicy !== 'freeze') return failed(state, observation, cause)
  const message = `${cause.message}; frozen as it is: promote it, abort it, or release another revision`
  const frozen: Cause = { reason: cause.reason, message }
  const kept = withProgress(state, { frozenAt: observation.now })
  return { state: { ...kept, cause: frozen, stalled: frozen }, notes: [alert('error', frozen)] }
}

export const superseded = (state: ActiveRelease, observation: Observation, cause: Cause): Change =>
  beginEnding(state, observation, 'Superseded', cause)
