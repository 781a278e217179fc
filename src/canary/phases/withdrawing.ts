import { renderDuration } from '../../base/index.ts'
import type { Change } from '../decision.ts'
import { holdWith } from '../hold.ts'
import type { Observation } from '../observation.ts'
import { closeRun, enter } from '../run.ts'
import type { ActiveRelease, Ending } from '../state.ts'
import { deadlineMsOf } from '../timing.ts'
import { isServed, primaryOnly } from '../weights.ts'

/** Weight 0 first, and acknowledged; then the new version is scaled down, unless it is already another one. */
export function withdrawing(state: ActiveRelease, observation: Observation, ending: Ending): Change | undefined {
  if (!isServed(observation.route, primaryOnly)) return waitForProxies(state, observation, ending)
  if (isPodless(state, observation, ending)) return finish(state, observation, ending)
  return undefined
}

/** A newer revision keeps the pods: they are its own by now. */
export function scalesDown(state: ActiveRelease, { target, canary }: Observation, ending: Ending): boolean {
  if (target === undefined) return false
  const isKept = canary.spec.failurePolicy === 'hold' && ending.cause.reason !== 'Aborted'
  const isStillThis = ending.outcome === 'Failed' && !isKept && target.revision === state.run.revision
  const isRevert = ending.cause.reason === 'Reverted' && target.revision === state.lastPromotedSpec
  return isStillThis || isRevert
}

const isPodless = (state: ActiveRelease, observation: Observation, ending: Ending): boolean =>
  !scalesDown(state, observation, ending) || observation.target?.replicas === 0

function waitForProxies(state: ActiveRelease, observation: Observation, ending: Ending): Change | undefined {
  const deadlineMs = deadlineMsOf(observation.canary.spec)
  if (observation.now - ending.since < deadlineMs) return undefined
  const why = observation.route.message ?? 'no proxy answered'
  const message = `proxies did not take weight 0 within ${renderDuration(deadlineMs)}: ${why}; ${ending.cause.message}`
  return holdWith(state, { reason: 'ProxiesLagging', message }, 'stalled')
}

function finish(state: ActiveRelease, { now }: Observation, ending: Ending): Change {
  const closed = closeRun(state, ending.outcome, ending.cause, now)
  const phase = ending.outcome === 'Failed' ? 'Failed' : closed.phase
  return { state: enter(closed, phase, now, ending.cause), notes: [] }
}
