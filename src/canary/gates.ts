import { alert, type Note, note } from './decision.ts'
import type { HookAnswer, Observation } from './observation.ts'
import { gateDueAt, gateTypeOf } from './questions.ts'
import type { Cause } from './reasons.ts'
import type { ActiveRelease } from './state.ts'

export interface GateAnswer extends Omit<HookAnswer, 'name'> {
  readonly isMuted: boolean
}

/** The answer to the gate the release stands at; undefined while it was not due or not asked. */
export function gateAnswer(state: ActiveRelease, observation: Observation): GateAnswer | undefined {
  const { gate } = observation.answers
  const type = gateTypeOf(state, observation)
  if (gate === undefined || gate.type !== type || gateDueAt(state, observation) > observation.now) return undefined
  const refused = gate.hooks.filter(({ ok }) => !ok)
  return {
    ok: refused.length === 0,
    message: refused.map(({ message }) => message).join('; '),
    isMuted: refused.every(({ isMuted }) => isMuted === true),
  }
}

/** People are told of a gate that waits for them, unless every hook that said no is muted. */
export const gateNote = ({ isMuted }: GateAnswer, cause: Cause): Note => (isMuted ? note : alert)('warn', cause)
