import type { Observation, Traffic } from './observation.ts'
import { currentStep } from './run.ts'
import { type ActiveRelease, isActive, type ReleaseState } from './state.ts'
import { canaryOnly, primaryOnly, trafficOf } from './weights.ts'

/** What the route should give; undefined where it is better left alone. */
export function wantedTraffic(next: ReleaseState, observation: Observation): Traffic | undefined {
  if (next.phase === 'Initializing') return observation.primary?.isReady ? primaryOnly : undefined
  if (isActive(next)) return trafficOfRun(next, observation)
  return next.run?.progress.heldAt === undefined ? primaryOnly : onReadyPods(next, observation)
}

function trafficOfRun(state: ActiveRelease, observation: Observation): Traffic | undefined {
  const { ending, recovering } = state.run.progress
  if (ending) return primaryOnly
  if (isCommitted(state)) return trafficOfPromotion(state, observation)
  const step = currentStep(state)
  if (step) return trafficOf(step)
  return recovering ? onReadyPods(state, observation) : primaryOnly
}

function trafficOfPromotion(state: ActiveRelease, observation: Observation): Traffic | undefined {
  const step = currentStep(state)
  const isOver = state.phase === 'Finalising' && step?.kind !== 'promotion'
  if (isOver || isSplitUnsafe(state, observation)) return onReadyPods(state, observation)
  return step ? trafficOf(step) : primaryOnly
}

const isCommitted = ({ phase }: ReleaseState): boolean => phase === 'Promoting' || phase === 'Finalising'

/** The workload's pods are of a revision that nobody analysed, or one side has no ready pod. */
export const isSplitUnsafe = (state: ActiveRelease, { target, primary }: Observation): boolean =>
  target?.revision !== state.run.revision || (primary?.readyReplicas ?? 0) === 0 || target.readyReplicas === 0

/** The primary where it has a ready pod and is trusted; else the new version where that has one; else as it is. */
function onReadyPods(next: ReleaseState, { primary, target, route }: Observation): Traffic | undefined {
  const isCanaryUp = (target?.readyReplicas ?? 0) > 0
  const isPrimaryUp = (primary?.readyReplicas ?? 0) > 0
  if (isPrimaryUp && (next.phase !== 'Failed' || !isCanaryUp)) return primaryOnly
  if (isPrimaryUp && route.traffic) return { ...route.traffic, mirror: 0 }
  return isCanaryUp ? canaryOnly : undefined
}
