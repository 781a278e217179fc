import { describeVersion } from '../../api/index.ts'
import { alert, type Change } from '../decision.ts'
import { beginEnding, endOnReadyPods } from '../ending.ts'
import { newerRevision, targetNotFound } from '../guards.ts'
import type { Observation } from '../observation.ts'
import type { Cause } from '../reasons.ts'
import { enter } from '../run.ts'
import type { ActiveRelease } from '../state.ts'
import { deadlineMsOf } from '../timing.ts'

/** The primary gets the analysed template; traffic waits where it is. */
export function promoting(state: ActiveRelease, observation: Observation): Change | undefined {
  const { now, primary } = observation
  if (primary?.revision !== state.run.revision)
    return withdrawIfChanged(state, observation) ?? awaitPrimary(state, observation)
  if (!primary.isReady) return awaitPrimary(state, observation)
  const cause: Cause = {
    reason: 'Finalising',
    message: `the primary runs ${describeVersion(state.run)}: moving traffic back to it`,
  }
  return { state: { ...enter(state, 'Finalising', now, cause), lastPromotedSpec: state.run.revision }, notes: [] }
}

export function enterPromoting(state: ActiveRelease, { now }: Observation): Change {
  const cause: Cause = { reason: 'Promoting', message: `copying ${describeVersion(state.run)} to the primary` }
  return { state: enter(state, 'Promoting', now, cause), notes: [alert('info', cause)] }
}

/** Until the template was copied, the old way back is open. */
function withdrawIfChanged(state: ActiveRelease, observation: Observation): Change | undefined {
  const { target } = observation
  if (target === undefined) return beginEnding(state, observation, 'Failed', targetNotFound(observation))
  if (target.revision === state.run.revision) return undefined
  return beginEnding(state, observation, 'Superseded', newerRevision(state, observation, target))
}

export function awaitPrimary(state: ActiveRelease, observation: Observation): Change | undefined {
  const { now, primary, canary } = observation
  const deadlineMs = deadlineMsOf(canary.spec)
  const failure = primary?.failure
  if (failure && failure.at >= state.run.startedAt) return failPromotion(state, observation, failure.message)
  if (now - state.since < deadlineMs) return undefined
  return failPromotion(state, observation, `the primary was not ready within ${deadlineMs / 1_000} s`)
}

/** Weight 0 is no safe place any more, since the primary runs the new version too: traffic stays on ready pods. */
function failPromotion(state: ActiveRelease, { now }: Observation, why: string): Change {
  const message = `${why}; traffic stays on ready pods and ${describeVersion(state.run)} keeps running`
  const cause: Cause = { reason: 'PromotionFailed', message }
  return { state: endOnReadyPods(state, 'Failed', cause, now), notes: [alert('error', cause)] }
}
