import type { MetricMemory, Webhook, WebhookType } from '../api/index.ts'
import { manualGate } from './manual-gates.ts'
import type { Observation } from './observation.ts'
import { currentStep } from './run.ts'
import { type ActiveRelease, isActive, type ReleaseState } from './state.ts'
import { isIncrease, isStepPassed, nextPlanned } from './step-plan.ts'
import { intervalMsOf, parseTime, renderTime } from './timing.ts'
import { turnOf } from './turn.ts'

/** What must be asked of analysis and webhooks before the next decision. */
export type Question =
  | ({ readonly kind: 'check' } & Measurable)
  /** Between two checks: does the new version fail beyond doubt since then? */
  | ({ readonly kind: 'alarm'; readonly since: number } & Omit<Measurable, 'windowStart'> & Partial<Measurable>)
  | { readonly kind: 'gate'; readonly type: WebhookType }
  | { readonly kind: 'rollback' }

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
  if (isHeld(state, observation)) return []
  if (!isActive(state)) return isFarewellDue(state) ? [{ kind: 'gate', type: 'post-rollout' }] : []
  if (observation.target?.revision !== state.run.revision) return []
  const gate = gateOf(state, observation)
  return [
    ...checkOf(state, observation),
    ...alarmOf(state, observation),
    ...(gate && isGateDue(state, observation) ? [gate] : []),
    ...(rollbackDueAt(state, observation) <= observation.now ? [{ kind: 'rollback' } as const] : []),
  ]
}

/** The run has ended, and `post-rollout` was not called yet. */
const isFarewellDue = ({ run }: ReleaseState): boolean => run?.progress.farewellDue === true

const isHeld = (state: ReleaseState, observation: Unanswered): boolean =>
  observation.canary.metadata.deletionTimestamp !== undefined ||
  observation.canary.spec.suspend ||
  (isActive(state) && state.run.progress.ending !== undefined)

export const hooksOf = (observation: Pick<Unanswered, 'canary'>, type: WebhookType): readonly Webhook[] =>
  (observation.canary.spec.analysis.webhooks ?? []).filter((hook) => hook.type === type)

/** Time of the next check; undefined while there is nothing to check. */
export function checkDueAt(state: ActiveRelease, observation: Unanswered): number | undefined {
  const { checkedAt, frozenAt } = state.run.progress
  if (frozenAt !== undefined) return undefined
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
  const canaryShare = step?.kind === 'weight' && step.session === undefined ? step.weight / 100 : undefined
  const id = renderTime(state.run.progress.checkedAt ?? 0)
  return { id, windowStart, windowEnd: now, canaryShare, memories: state.run.progress.metrics ?? [] }
}

/**
 * An alarm of an earlier run says nothing of this one. While a step waits for its weight the new version has the requests
 * of the weight before, so the wait hides nothing; without a start of its own, nothing is compared in it.
 * A check that is due does not stand for it: it may wait for a Job.
 */
function alarmOf(state: ActiveRelease, observation: Unanswered): readonly Question[] {
  const { alarm } = observation
  const step = currentStep(state)
  if (alarm?.run !== state.run.name || step === undefined) return []
  const { windowStart: _, ...measurable } = windowOf(state, observation)
  const windowStart = parseTime(step.programmedAt)
  return [{ kind: 'alarm', ...measurable, ...(windowStart !== undefined && { windowStart }), since: alarm.since }]
}

/** The gate the release stands at. */
function gateOf(state: ActiveRelease, observation: Unanswered): Extract<Question, { kind: 'gate' }> | undefined {
  const type = gateTypeOf(state, observation)
  if (type === undefined || hooksOf(observation, type).length === 0) return undefined
  return manualGate(state, observation, type) === undefined ? { kind: 'gate', type } : undefined
}

export function gateTypeOf(state: ActiveRelease, observation: Unanswered): WebhookType | undefined {
  if (state.phase === 'Waiting') return turnOf(state, observation) ? undefined : 'confirm-rollout'
  if (state.phase === 'WaitingPromotion') return 'confirm-promotion'
  const { readyAt, preparedAt } = state.run.progress
  if (state.phase !== 'Progressing' || readyAt === undefined) return undefined
  if (preparedAt === undefined) return 'pre-rollout'
  return isBeforeIncrease(state, observation) ? 'confirm-traffic-increase' : undefined
}

function isBeforeIncrease(state: ActiveRelease, observation: Unanswered): boolean {
  const planned = nextPlanned(state, observation)
  if (planned === undefined || !isIncrease(state, planned)) return false
  return currentStep(state) === undefined || isStepPassed(state, observation)
}

/** Time at which webhooks of type `rollback` are asked again; in the far future where there is none. */
export function rollbackDueAt(state: ActiveRelease, observation: Unanswered): number {
  const isBefore = state.phase === 'Waiting' || state.phase === 'Progressing' || state.phase === 'WaitingPromotion'
  if (!isBefore || hooksOf(observation, 'rollback').length === 0) return Number.POSITIVE_INFINITY
  const { rollbackAskedAt } = state.run.progress
  return rollbackAskedAt === undefined ? observation.now : rollbackAskedAt + intervalMsOf(observation.canary.spec)
}

/** Time at which the gate is asked again. */
export const gateDueAt = (state: ActiveRelease, observation: Unanswered): number => {
  const { askedAt } = state.run.progress
  return askedAt === undefined ? observation.now : askedAt + intervalMsOf(observation.canary.spec)
}

const isGateDue = (state: ActiveRelease, observation: Unanswered): boolean =>
  gateDueAt(state, observation) <= observation.now
