import { type CanaryStatus, describeChange } from '../api/index.ts'
import { conditionsOf, visibleCause } from './conditions.ts'
import type { Observation, Traffic } from './observation.ts'
import type { ReleaseState } from './state.ts'
import { renderTime } from './timing.ts'

/** What a Canary's status says of a state: names and numbers that people and tools read. */
export function renderStatus(
  state: ReleaseState,
  observation: Pick<Observation, 'canary' | 'now'>,
  traffic: Traffic | undefined,
): CanaryStatus {
  const { canary, now } = observation
  const progress = state.run?.progress
  const previous = canary.status?.conditions ?? []
  return {
    observedGeneration: canary.metadata.generation,
    phase: state.phase,
    canaryWeight: traffic?.canary ?? 0,
    mirrorWeight: traffic?.mirror ?? 0,
    failedChecks: progress?.failedChecks ?? 0,
    iterations: progress?.iterations ?? 0,
    lastAppliedSpec: state.lastAppliedSpec,
    lastPromotedSpec: state.lastPromotedSpec,
    lastTransitionTime: state.since === 0 ? undefined : renderTime(state.since),
    version: state.run && describeChange(state.run.previousImages, state.run),
    runName: state.run?.name,
    suspendedAt: state.suspendedAt === undefined ? undefined : renderTime(state.suspendedAt),
    message: visibleCause(state).message,
    history: [...state.history],
    conditions: [...conditionsOf({ state, generation: canary.metadata.generation, previous, now })],
  }
}
