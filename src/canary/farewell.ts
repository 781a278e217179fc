import { type Change, note } from './decision.ts'
import type { Observation } from './observation.ts'
import { hooksOf } from './questions.ts'
import type { ReleaseState } from './state.ts'

/** A run that ends for good owes its `post-rollout` webhooks a call, on record until it was made. */
export function oweFarewell(recorded: ReleaseState, next: ReleaseState, observation: Observation): ReleaseState {
  const { run } = next
  const hasEnded = run?.outcome === 'Succeeded' || run?.outcome === 'Failed'
  if (!hasEnded || recorded.run?.outcome === run.outcome || hooksOf(observation, 'post-rollout').length === 0)
    return next
  return { ...next, run: { ...run, progress: { ...run.progress, farewellDue: true } } }
}

/** What they answer changes nothing any more; a refusal is told. */
export function takeFarewell(state: ReleaseState, observation: Observation): Change | undefined {
  const { gate } = observation.answers
  const { run } = state
  if (run?.progress.farewellDue !== true || gate?.type !== 'post-rollout') return undefined
  const refused = gate.hooks.filter(({ ok }) => !ok)
  const { farewellDue: _, ...progress } = run.progress
  return {
    state: { ...state, run: { ...run, progress } },
    notes: refused.map(({ message }) => note('warn', { reason: 'HookFailed', message })),
  }
}
