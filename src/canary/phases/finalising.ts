import { describeChange, describeVersion } from '../../api/index.ts'
import { renderDuration } from '../../base/index.ts'
import { alert, type Change } from '../decision.ts'
import { holdWith } from '../hold.ts'
import type { Observation } from '../observation.ts'
import type { Cause } from '../reasons.ts'
import { closeRun, currentStep, enter } from '../run.ts'
import type { ActiveRelease } from '../state.ts'
import { deadlineMsOf, parseTime } from '../timing.ts'
import { hasWayBack, stepBack } from '../way-back.ts'
import { isServed, primaryOnly } from '../weights.ts'
import { awaitPrimary } from './promoting.ts'

/** Traffic goes back to the primary, and only then the workload is scaled down. */
export function finalising(state: ActiveRelease, observation: Observation): Change | undefined {
  const { now, primary, route } = observation
  if (!primary?.isReady) return awaitPrimary(state, observation)
  if (hasWayBack(state, observation)) return stepBack(state, observation)
  if (!isServed(route, primaryOnly)) return waitForProxies(state, observation)
  if (scalesDownAfterPromotion(state, observation)) return undefined
  const cause: Cause = {
    reason: 'Succeeded',
    message: `${describeChange(state.run.previousImages, state.run)} is promoted`,
  }
  const closed = closeRun(state, 'Succeeded', cause, now)
  return { state: enter(closed, 'Succeeded', now, cause), notes: [alert('info', cause)] }
}

function waitForProxies(state: ActiveRelease, observation: Observation): Change | undefined {
  const { now, canary, route } = observation
  const deadlineMs = deadlineMsOf(canary.spec)
  const since = Math.max(state.since, parseTime(currentStep(state)?.startedAt) ?? 0)
  if (now - since < deadlineMs) return undefined
  const why = route.message ?? 'no proxy answered'
  const message = `proxies did not take weight 0 within ${renderDuration(deadlineMs)}: ${why}; ${describeVersion(state.run)} keeps its pods until they do`
  return holdWith(state, { reason: 'ProxiesLagging', message }, 'stalled')
}

/** A newer revision keeps the pods: they are its own by now. */
export const scalesDownAfterPromotion = (state: ActiveRelease, { target }: Observation): boolean =>
  target !== undefined && target.revision === state.run.revision && target.replicas > 0
