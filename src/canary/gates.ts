import type { WebhookType } from '../api/index.ts'
import { describeVersion } from '../api/index.ts'
import { alert, type Change, note } from './decision.ts'
import { isSameCause } from './hold.ts'
import { manualGate } from './manual-gates.ts'
import type { HookAnswer, Observation } from './observation.ts'
import { gateDueAt, gateTypeOf, hooksOf } from './questions.ts'
import type { Cause, Reason } from './reasons.ts'
import { withProgress } from './run.ts'
import type { ActiveRelease, ReleaseState } from './state.ts'

export interface GateAnswer extends Omit<HookAnswer, 'name'> {
  readonly isMuted: boolean
  /** It stands until somebody changes it: there is nothing to ask again. */
  readonly isManual?: boolean
}

const byHand = { isMuted: false, isManual: true } as const

/** Something may hold the release here. */
export const hasGate = (state: ReleaseState, observation: Observation, type: WebhookType): boolean =>
  hooksOf(observation, type).length > 0 || manualGate(state, observation, type) !== undefined

/** The answer to the gate the release stands at; undefined while it was not due or not asked. */
export function gateAnswer(state: ActiveRelease, observation: Observation): GateAnswer | undefined {
  const { gate } = observation.answers
  const type = gateTypeOf(state, observation)
  const manual = manualGate(state, observation, type)
  if (manual === 'open') return { ok: true, message: '', ...byHand }
  if (manual) return { ok: false, message: `gate ${type} is closed for ${describeVersion(state.run)}`, ...byHand }
  if (gate === undefined || gate.type !== type || gateDueAt(state, observation) > observation.now) return undefined
  const refused = gate.hooks.filter(({ ok }) => !ok)
  return {
    ok: refused.length === 0,
    message: refused.map(({ message }) => message).join('; '),
    isMuted: refused.every(({ isMuted }) => isMuted === true),
  }
}

/** Stays at a gate that says no. People are told once, unless every hook that said no is muted. */
export function holdAtGate(
  state: ActiveRelease,
  { now }: Observation,
  answer: GateAnswer,
  reason: Reason,
): Change | undefined {
  const cause: Cause = { reason, message: `waiting for confirmation: ${answer.message}` }
  const isNews = state.run.progress.askedAt === undefined
  if (answer.isManual && !isNews && isSameCause(state.cause, cause)) return undefined
  const notes = isNews ? [(answer.isMuted ? note : alert)('warn', cause)] : []
  return { state: { ...withProgress(state, { askedAt: now }), cause, stalled: undefined }, notes }
}
