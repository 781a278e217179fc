import type { Canary, WebhookType } from '../api/index.ts'
import { type ReleaseState, remainingTimeOf } from '../canary/index.ts'
import type { HookPayload } from '../hooks/index.ts'

const NANOSECONDS = 1_000_000

/** What a webhook is told of a release, in Flagger's fields. */
export function hookPayloadOf(canary: Canary, state: ReleaseState, type: WebhookType): Omit<HookPayload, 'metadata'> {
  const { run } = state
  const step = run?.outcome === 'Running' ? run.steps.at(-1) : undefined
  return {
    name: canary.metadata.name,
    namespace: canary.metadata.namespace ?? '',
    phase: state.phase,
    checksum: run?.revision ?? state.lastAppliedSpec ?? '',
    buildId: state.lastAppliedSpec ?? '',
    type,
    failedChecks: run?.progress.failedChecks ?? 0,
    canaryWeight: step?.weight ?? 0,
    iterations: run?.progress.iterations ?? 0,
    remainingTime: remainingTimeOf(state, canary) * NANOSECONDS,
  }
}
