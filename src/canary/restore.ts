import type { Canary, CanaryRun, Phase } from '../api/index.ts'
import { isSameCause } from './hold.ts'
import type { Cause } from './reasons.ts'
import { restoreCause, restoreRun } from './run-status.ts'
import type { ReleaseState } from './state.ts'
import { parseTime } from './timing.ts'

/**
 * The state as the last pass recorded it. The run is written first, so where the two disagree it is ahead: the run
 * says where the release stands, the Canary says which run that is.
 */
export function restoreState(canary: Canary, newest: CanaryRun | undefined): ReleaseState {
  const status = canary.status ?? {}
  const progress = newest?.status?.progress
  const phase = progress?.phase ?? status.phase ?? ''
  const cause = progress ? restoreCause(progress.reason, progress.message) : restorePhaseCause(canary, newest)
  return {
    phase,
    since: parseTime(progress?.since ?? status.lastTransitionTime) ?? 0,
    cause,
    lastAppliedSpec: status.lastAppliedSpec,
    lastPromotedSpec: isPromoted(phase) ? (newest?.spec.revision ?? status.lastPromotedSpec) : status.lastPromotedSpec,
    suspendedAt: parseTime(status.suspendedAt),
    stalled: restoreStalled(canary, cause),
    run: newest && restoreRun(newest),
    history: status.history ?? [],
  }
}

const isPromoted = (phase: Phase): boolean => phase === 'Finalising' || phase === 'Succeeded'

function restorePhaseCause(canary: Canary, newest: CanaryRun | undefined): Cause {
  if (newest) return restoreRun(newest).cause
  const { phase, lastPromotedSpec, message = '', conditions = [] } = canary.status ?? {}
  if (phase !== 'Initialized') return { reason: 'Initializing', message }
  // While it stalls or is suspended, its message is about that, and the images are told nowhere.
  const isTold = conditions.some(({ type, reason }) => type === 'Ready' && reason === 'Initialized')
  return isTold ? { reason: 'Initialized', message } : firstVersion(lastPromotedSpec ?? '')
}

/** `version` as a revision, with its images where they are known. */
export const firstVersion = (version: string): Cause => ({
  reason: 'Initialized',
  message: `${version} is the first version`,
})

function restoreStalled(canary: Canary, cause: Cause): Cause | undefined {
  const condition = canary.status?.conditions?.find(({ type }) => type === 'Stalled')
  if (condition?.status !== 'True') return undefined
  const stalled = restoreCause(condition.reason, condition.message)
  // A failed release is stalled by its own end: that is no second cause.
  return isSameCause(stalled, cause) && canary.status?.phase === 'Failed' ? undefined : stalled
}
