import type { Action } from './decision.ts'
import type { Observation } from './observation.ts'
import { isActive, type ReleaseState } from './state.ts'

/** The primary's autoscaler follows its source; the target's is paused while no release is on. */
export function planAutoscaler(next: ReleaseState, observation: Observation, leaves: boolean): readonly Action[] {
  const { autoscaler, primary } = observation
  if (autoscaler === undefined) return []
  const paused = wantsPause(next, observation, leaves)
  const isPauseWrong = autoscaler.isPaused !== undefined && paused !== undefined && autoscaler.isPaused !== paused
  return [
    ...(primary !== undefined && !autoscaler.isPrimaryAsWanted ? [{ kind: 'apply-autoscaler' } as const] : []),
    ...(isPauseWrong ? [{ kind: 'pause-autoscaler', paused } as const] : []),
  ]
}

/** Undefined leaves it as it is. `leaves`: the target's pods have done their part. */
function wantsPause(next: ReleaseState, { target }: Observation, leaves: boolean): boolean | undefined {
  if (next.phase === 'Initializing') return leaves || target?.replicas === 0 ? true : undefined
  if (!isActive(next)) return next.run?.progress.heldAt === undefined
  if (leaves) return true
  if (next.run.progress.ending || next.phase === 'Finalising') return undefined
  return next.phase === 'Waiting'
}
