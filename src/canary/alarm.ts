import type { MetricMemory } from '../api/index.ts'
import { failAtOnce, judge, noteVerdicts } from './check.ts'
import type { Change } from './decision.ts'
import type { Observation } from './observation.ts'
import { hooksOf } from './questions.ts'
import { currentStep } from './run.ts'
import { type ActiveRelease, isActive, type ReleaseState } from './state.ts'
import { parseTime } from './timing.ts'

/** A run that may be watched between its checks. */
export interface GuardedRun {
  readonly run: string
  /** Milliseconds since 1970; whatever reaches the new version since then belongs to this run. */
  readonly since: number
  /** Acknowledgement of the weight it has now; absent while it has none, or waits for one. */
  readonly programmedAt?: number | undefined
  /** What its checks left. */
  readonly memories: readonly MetricMemory[]
}

/** Undefined while nothing that is seen between two checks could change anything. */
export function guardedRun(state: ReleaseState, { canary }: Pick<Observation, 'canary'>): GuardedRun | undefined {
  if (!isActive(state) || isDecided(state)) return undefined
  if (canary.spec.suspend || canary.spec.skipAnalysis || canary.metadata.deletionTimestamp !== undefined)
    return undefined
  if (state.phase !== 'Progressing' && state.phase !== 'WaitingPromotion') return undefined
  const since = beginning(state, { canary })
  if (since === undefined) return undefined
  const programmedAt = parseTime(currentStep(state)?.programmedAt)
  return { run: state.run.name, since, programmedAt, memories: state.run.progress.metrics ?? [] }
}

const isDecided = ({ run: { progress } }: ActiveRelease): boolean =>
  progress.ending !== undefined || progress.frozenAt !== undefined || progress.command === 'promote'

/**
 * No route leads to the new version before its first weight, so nothing of before can be in a window that begins with
 * the run; but where `pre-rollout` webhooks may have sent requests of their own, it begins with that weight.
 */
function beginning({ run }: ActiveRelease, observation: Pick<Observation, 'canary'>): number | undefined {
  if (hooksOf(observation, 'pre-rollout').length === 0) return run.startedAt
  return parseTime(run.steps[0]?.programmedAt)
}

/** What was measured between two checks ends the run, or is added to its evidence; nothing rises or passes by it. */
export function takeAlarm(state: ActiveRelease, observation: Observation): Change | undefined {
  const verdicts = observation.answers.alarm?.verdicts ?? []
  const telling = verdicts.filter(({ decision, memory }) => decision === 'rollback' || memory !== undefined)
  if (telling.length === 0 || currentStep(state) === undefined) return undefined
  if (state.run.progress.frozenAt !== undefined) return undefined
  const noted = noteVerdicts(state, telling)
  const { result, message } = judge(telling, [])
  if (result === 'rollback') return failAtOnce(noted, observation, message)
  return isCounted(state, telling) ? undefined : { state: noted, notes: [] }
}

/** The chain of one pass comes here again with the same answers. */
const isCounted = (state: ActiveRelease, telling: readonly { readonly memory?: MetricMemory | undefined }[]): boolean =>
  telling.every(({ memory }) => memory === undefined || (state.run.progress.metrics ?? []).includes(memory))
