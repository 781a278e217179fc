import type { HookAnswer, Observation } from './observation.ts'
import { gateDueAt, gateTypeOf } from './questions.ts'
import type { ActiveRelease } from './state.ts'

/** The answer to the gate the release stands at; undefined while it was not due or not asked. */
export function gateAnswer(state: ActiveRelease, observation: Observation): Omit<HookAnswer, 'name'> | undefined {
  const { gate } = observation.answers
  if (gate === undefined || gate.type !== gateTypeOf(state) || gateDueAt(state, observation) > observation.now) {
    return undefined
  }
  const refused = gate.hooks.filter(({ ok }) => !ok)
  return { ok: refused.length === 0, message: refused.map(({ message }) => message).join('; ') }
}
