import { describeVersion } from '../../api/index.ts'
import { alert, type Change } from '../decision.ts'
import { takeFarewell } from '../farewell.ts'
import { hasGate } from '../gates.ts'
import type { Observation, WorkloadFacts } from '../observation.ts'
import type { Cause } from '../reasons.ts'
import { enter, newRevision, newRun, openRun } from '../run.ts'
import type { Beginning, ReleaseState } from '../state.ts'
import { rollbackWindowMsOf } from '../timing.ts'
import { mustWait, standOnFault } from '../turn.ts'

/** Between runs: a new pod template gets its run, whatever came of the last one. */
export const idle = (state: ReleaseState, observation: Observation): Change | undefined =>
  takeUp(state, observation) ?? standOnFault(state, observation)

function takeUp(state: ReleaseState, observation: Observation): Change | undefined {
  const { target } = observation
  const parted = takeFarewell(state, observation)
  if (parted) return parted
  if (target === undefined) return undefined
  const mended = resumePromotion(state, observation, target)
  if (mended) return mended
  if (isStable(state, observation, target)) return settleOnStable(state, observation, target)
  if (target.revision === state.lastAppliedSpec && !isUnfinished(state)) return undefined
  return startRun(state, observation, target)
}

/** A promotion that failed goes on where its primary became ready after all. */
function resumePromotion(state: ReleaseState, observation: Observation, target: WorkloadFacts): Change | undefined {
  const { now, primary } = observation
  const { run } = state
  if (run?.outcome !== 'Failed' || run.progress.heldAt === undefined) return undefined
  const isMended = primary?.isReady === true && primary.revision === run.revision && target.revision === run.revision
  if (!isMended) return undefined
  const cause: Cause = {
    reason: 'Finalising',
    message: `the primary became ready with ${describeVersion(run)} after all`,
  }
  const progress = { ...run.progress, heldAt: undefined }
  const reopened: ReleaseState = { ...state, run: { ...run, outcome: 'Running', endedAt: undefined, cause, progress } }
  const resumed = enter(reopened, 'Finalising', now, cause)
  return { state: { ...resumed, lastPromotedSpec: run.revision }, notes: [alert('info', cause)] }
}

const isStable = (state: ReleaseState, { primary }: Observation, target: WorkloadFacts): boolean =>
  target.revision === state.lastPromotedSpec && target.revision === primary?.revision

/** The workload was set back to what the primary runs: the next change is a change again, even to a version that failed. */
function settleOnStable(state: ReleaseState, { now }: Observation, target: WorkloadFacts): Change | undefined {
  const isSettled = state.phase === 'Initialized' || state.phase === 'Succeeded'
  if ((isSettled && state.lastAppliedSpec === state.lastPromotedSpec) || isHeld(state)) return undefined
  const message = `the workload was set back to ${describeVersion(target)}, which the primary runs`
  const cause: Cause = { reason: 'Reverted', message }
  const settled = enter(state, 'Initialized', now, cause)
  return { state: { ...settled, lastAppliedSpec: state.lastPromotedSpec }, notes: [] }
}

/** A run that somebody deleted, or that gave way to a revision that is gone again. */
const isUnfinished = ({ phase, run }: ReleaseState): boolean =>
  run === undefined
    ? phase !== 'Initialized' && phase !== 'Succeeded' && phase !== 'Failed'
    : run.outcome === 'Superseded'

const isHeld = ({ phase, run }: ReleaseState): boolean => phase === 'Failed' && run?.progress.heldAt !== undefined

function startRun(state: ReleaseState, observation: Observation, target: WorkloadFacts): Change {
  const { now } = observation
  const beginning = beginningOf(state, observation, target)
  const run = { ...newRun(state, observation, target), beginning }
  const cause = newRevision(run)
  const opened = openRun(state, run, cause)
  const waitsForOthers = mustWait(observation, beginning)
  const notes = [alert('info', cause)]
  if (!waitsForOthers && !hasGate(opened, observation, 'confirm-rollout'))
    return { state: enter(opened, 'Progressing', now, cause), notes }
  // Whoever waited for its turn and was replaced keeps its place.
  const isReplaced = waitsForOthers && state.phase === 'Waiting' && state.run?.outcome === 'Superseded'
  return { state: enter(opened, 'Waiting', isReplaced ? state.since : now, cause), notes }
}

function beginningOf(state: ReleaseState, observation: Observation, target: WorkloadFacts): Beginning | undefined {
  const { primary } = observation
  if (state.run?.progress.heldAt !== undefined && (primary?.readyReplicas ?? 0) === 0) return 'recovering'
  return wasPromotedLately(observation, target) ? 'returning' : undefined
}

/** Whoever goes back to a version that served lately is in a hurry, and knows it. */
const wasPromotedLately = ({ runs, canary, now }: Observation, { revision }: WorkloadFacts): boolean =>
  runs.some(
    ({ revision: promoted, promotedAt }) =>
      promoted === revision && promotedAt !== undefined && now - promotedAt < rollbackWindowMsOf(canary.spec),
  )
