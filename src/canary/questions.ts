import type { MetricMemory, Webhook, WebhookType } from '../api/index.ts'
import type { Observation } from './observation.ts'
import { currentStep } from './run.ts'
import { type ActiveRelease, isActive, type ReleaseState } from './state.ts'
import { intervalMsOf, parseTime, renderTime } from './timing.ts'

/** What must be asked of analysis and webhooks before the next decision. */
export type Question =
  | {
      readonly kind: 'check'
      /** The same until the check is on record, also for the next leader. */
      readonly id: string
      readonly windowStart: number
      readonly windowEnd: number
      /** Share of the requests that the step gives the new version; absent while they are mirrored. */
      readonly canaryShare?: number | undefined
      /** What earlier checks left. */
      readonly memories: readonly MetricMemory[]
    }
  | { readonly kind: 'gate'; readonly type: WebhookType }

type Unanswered = Omit<Observation, 'answers'>

export function questionsFor(state: ReleaseState, observation: Unanswered): readonly Question[] {
  if (!isActive(state) || isHeld(state, observation)) return []
  if (observation.target?.revision !== state.run.revision) return []
  const gate = gateOf(state, observation)
  return [...checkOf(state, observation), ...(gate && isGateDue(state, observation) ? [gate] : [])]
}

const isHeld = (state: ActiveRelease, observation: Unanswered): boolean =>
  observation.canary.metadata.deletionTimestamp !== undefined ||
  observation.canary.spec.suspend ||
  state.run.progress.ending !== undefined

export const hooksOf = (observation: Unanswered, type: WebhookType): readonly Webhook[] =>
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
  const step = currentStep(state)
  const windowStart = parseTime(step?.programmedAt) ?? state.run.progress.checkedAt ?? observation.now
  const canaryShare = step?.kind === 'weight' ? step.weight / 100 : undefined
  const memories = state.run.progress.metrics ?? []
  const id = renderTime(state.run.progress.checkedAt ?? 0)
  return [{ kind: 'check', id, windowStart, windowEnd: observation.now, canaryShare, memories }]
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
