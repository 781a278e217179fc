import { podsDueNext } from './crashes.ts'
import type { Observation } from './observation.ts'
import { slownessSaidAt } from './phases/progressing.ts'
import { checkDueAt, gateDueAt, gateTypeOf, hooksOf, questionsFor, rollbackDueAt } from './questions.ts'
import { currentStep } from './run.ts'
import { isActive, type ReleaseState } from './state.ts'
import { deadlineMsOf, parseTime } from './timing.ts'
import { settledAt } from './turn.ts'
import { stepBackDueAt } from './way-back.ts'

/** The next time at which time alone can change the decision. */
export function wakeTime(state: ReleaseState, observation: Observation): number | undefined {
  const { now, canary } = observation
  if (canary.spec.suspend) return undefined
  const { pending = [] } = observation.answers
  if (questionsFor(state, observation).some(({ kind }) => !pending.includes(kind))) return now
  const times = [...deadlines(state, observation), ...appointments(state, observation)].filter((time) => time > now)
  return times.length === 0 ? undefined : Math.min(...times)
}

function deadlines(state: ReleaseState, { canary }: Observation): readonly number[] {
  const deadlineMs = deadlineMsOf(canary.spec)
  if (!isActive(state)) return state.phase === 'Initializing' ? [state.since + deadlineMs] : []
  const { unreadyAt, ending } = state.run.progress
  const starts = [state.since, unreadyAt, ending?.since, parseTime(currentStep(state)?.startedAt)]
  return starts.filter((start) => start !== undefined).map((start) => start + deadlineMs)
}

function appointments(state: ReleaseState, observation: Observation): readonly number[] {
  if (!isActive(state) || state.run.progress.ending) return []
  if (state.phase === 'Finalising') return [stepBackDueAt(state, observation)].filter(Number.isFinite)
  const check = checkDueAt(state, observation)
  const type = gateTypeOf(state, observation)
  const hasGate = type !== undefined && hooksOf(observation, type).length > 0
  const pods = podsDueNext(state, observation)
  const said = state.phase === 'Progressing' ? slownessSaidAt(state) : undefined
  const settled = state.phase === 'Waiting' ? settledAt(state, observation) : undefined
  return [
    ...(check === undefined ? [] : [check]),
    ...(pods === undefined ? [] : [pods]),
    ...(said === undefined ? [] : [said]),
    ...(settled === undefined ? [] : [settled]),
    ...(hasGate ? [gateDueAt(state, observation)] : []),
    ...[rollbackDueAt(state, observation)].filter(Number.isFinite),
  ]
}
