import { describeVersion } from '../../api/index.ts'
import { alert, type Change } from '../decision.ts'
import { holdWith } from '../hold.ts'
import type { Observation } from '../observation.ts'
import { firstVersion } from '../restore.ts'
import { enter } from '../run.ts'
import type { ReleaseState } from '../state.ts'
import { deadlineMsOf } from '../timing.ts'
import { isServed, primaryOnly } from '../weights.ts'

/** The first deploy: a primary is made from the workload and takes the traffic; nothing is analysed. */
export function initializing(state: ReleaseState, observation: Observation): Change | undefined {
  const { now, primary, services, route, target } = observation
  if (state.phase === '') {
    return {
      state: enter(state, 'Initializing', now, { reason: 'Initializing', message: 'making the primary' }),
      notes: [],
    }
  }
  if (!primary?.isReady) return waitForPrimary(state, observation)
  if (!services.isApexReady || !isServed(route, primaryOnly)) {
    return holdWith(state, { reason: 'Initializing', message: 'moving traffic to the primary' })
  }
  if ((target?.replicas ?? 0) > 0)
    return holdWith(state, { reason: 'Initializing', message: 'scaling the workload down' })
  const cause = firstVersion(describeVersion(primary))
  const initialized = enter(state, 'Initialized', now, cause)
  const revisions = { lastAppliedSpec: primary.revision, lastPromotedSpec: primary.revision }
  return { state: { ...initialized, ...revisions }, notes: [alert('info', cause)] }
}

function waitForPrimary(state: ReleaseState, observation: Observation): Change | undefined {
  const { now, primary, canary } = observation
  const deadlineMs = deadlineMsOf(canary.spec)
  const failure = primary?.failure?.message
  if (failure === undefined && now - state.since < deadlineMs) {
    return holdWith(state, { reason: 'Initializing', message: 'waiting for the primary to be ready' })
  }
  const message = failure ?? `the primary was not ready within ${deadlineMs / 1_000} s`
  return holdWith(state, { reason: 'PrimaryNotReady', message }, 'stalled')
}
