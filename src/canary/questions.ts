import type { MetricMemory, Webhook, WebhookType } from '../api/index.ts'
import type { Observation } from './observation.ts'
import { currentStep } from './run.ts'
import { type ActiveRelease, isActive, type ReleaseState } from './state.ts'
import { intervalMsOf, parseTime, renderTime } from './timing.ts'

/** What must be asked of analysis and webhooks before the next decision. */
export type Question =
  | ({ readonly kind: 'check' } & Measurable)
  /** Between two checks: does the new version fail beyond doubt since then? */
  | ({ readonly kind: 'alarm'; readonly since: number } & Measurable)
  | { readonly kind: 'gate'; readonly type: WebhookType }

interface Measurable {
  /** The same until the check is on record, also for the next leader. */
  readonly id: string
  readonly windowStart: number
  readonly windowEnd: number
  /** Share of the requests that the step gives the new version; absent while they are mirrored. */
  readonly canaryShare?: number | undefined
  /** What earlier checks left. */
  readonly memories: readonly MetricMemory[]
}

type Unanswered = Omit<Observation, 'answers'>

export function questionsFor(state: ReleaseState, observation: Unanswered): readonly Question[] {
  if (!isActive(state) || isHeld(state, observation)) return []
  if (observation.target?.revision !== state.run.revision) return []
  const gate = gateOf(state, observation)
  const measured = [...checkOf(state, observation), ...alarmOf(state, observation)]
  return [...measured, ...(gate && isGateDue(state, observation) ? [gate] : [])]
}

const isHeld = (state: ActiveRelease, observation: Unanswered): boolean =>
  observation.canary.metadata.deletionTimestamp !== undefined ||
  observation.canary.spec.suspend ||
  state.run.progress.ending !== undefined

export const hooksOf = (observation: Pick<Unanswered, 'canary'>, type: WebhookType): readonly Webhook[] =>
  (observation.canary.spec.analysis.webhooks ?? []).filter((hook) => hook.type === type)

/** Time of the next check; undefined while there is nothing to check. */
export function checkDueAt(state: ActiveRelease, observation: Unanswered): number | undefined {
  const { checkedAt } = state.run.progress
  const isStepped = state.phase === 'Progressing' || state.phase === 'WaitingPromotion'
  if (!isStepped || checkedAt === undefined) return undefined
  return checkedAt + intervalMsOf(observation.canary.spec)
}

function checkOf(state: ActiveRelease, observation: Unanswered): readonly Question[] {
  const dueAt = checkDueAt(state, observation)
  if (dueAt === undefined || dueAt > observation.now) return []
  return [{ kind: 'check', ...windowOf(state, observation) }]
}

function windowOf(state: ActiveRelease, { now }: Unanswered): Measurable {
  const step = currentStep(state)
  const windowStart = parseTime(step?.programmedAt) ?? state.run.progress.checkedAt ?? now
  const canaryShare = step?.kind === 'weight' ? step.weight / 100 : undefined
  const id = renderTime(state.run.progress.checkedAt ?? 0)
  return { id, windowStart, windowEnd: now, canaryShare, memories: state.run.progress.metrics ?? [] }
}

/**
 * An alarm of an earlier run says nothing of this one, and a step without its weight has no requests to look at.
 * A check that is due does not stand for it: it may wait for a Job.
 */
function alarmOf(state: ActiveRelease, observation: Unanswered): readonly Question[] {
  const { alarm } = observation
  if (alarm?.run !== state.run.name || currentStep(state)?.programmedAt === undefined) return []
  return [{ kind: 'alarm', ...windowOf(state, observation), since: alarm.since }]
}

/** The gate the release stands at. */
function gateOf(state: ActiveRelease, observation: Unanswered): Extract<Question, { kind: 'gate' }> | undefined {
  const type = gateTypeOf(state)
  return type !== undefined && hooksOf(observation, type).length > 0 ? { kind: 'gate', type } : undefined
}

export function gateTypeOf(state: ActiveRelease): WebhookType | undefined {
  if (state.phase === 'Waiting') return 'confirm-rollout'
  if (state.phase === 'WaitingPromotion') return 'confirm-promotion'
  const { readyAt, preparedAt } = state.run.progress
  const isPreparing = state.phase === 'Progressing' && readyAt !== undefined && preparedAt === undefined
  return isPreparing ? 'pre-rollout' : undefined
}

/** Time at which the gate is asked again. */
export const gateDueAt = (state: ActiveRelease, observation: Unanswered): number => {
  const { askedAt } = state.run.progress
  return askedAt === undefined ? observation.now : askedAt + intervalMsOf(observation.canary.spec)
}

const isGateDue = (state: ActiveRelease, observation: Unanswered): boolean =>
  gateDueAt(state, observation) <= observation.now
