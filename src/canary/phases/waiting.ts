import { describeVersion } from '../../api/index.ts'
import { commandFor } from '../commands.ts'
import { alert, type Change, note } from '../decision.ts'
import { gateAnswer, hasGate, holdAtGate } from '../gates.ts'
import { newerRevision, rollbackAnswer, targetNotFound } from '../guards.ts'
import type { Observation } from '../observation.ts'
import type { Cause, Reason } from '../reasons.ts'
import { closeRun, enter, withProgress } from '../run.ts'
import type { ActiveRelease } from '../state.ts'
import { awaitTurn, turnOf } from '../turn.ts'

/** Before a run touches anything, other releases and then `confirm-rollout` may hold it. */
export function waiting(state: ActiveRelease, observation: Observation): Change | undefined {
  const over = withdrawn(state, observation)
  if (over) return over
  const command = commandFor(state, observation)
  if (command === 'promote') return begin(withProgress(state, { command }), observation)
  const wait = turnOf(state, observation)
  if (wait) return awaitTurn(state, wait)
  if (!hasGate(state, observation, 'confirm-rollout')) return begin(state, observation)
  const answer = gateAnswer(state, observation)
  if (answer === undefined) return undefined
  if (answer.ok) return begin(state, observation)
  return holdAtGate(state, observation, answer, 'WaitingForRollout')
}

/** Nothing was moved yet, so the run ends at once. */
function withdrawn(state: ActiveRelease, observation: Observation): Change | undefined {
  const { now, target } = observation
  if (commandFor(state, observation) === 'abort') {
    const cause: Cause = { reason: 'Aborted', message: `an operator aborted ${describeVersion(state.run)}` }
    return failAtOnce(withProgress(state, { command: 'abort' }), cause, now)
  }
  if (target === undefined) return failAtOnce(state, targetNotFound(observation), now)
  if (target.revision !== state.run.revision) {
    const cause = newerRevision(state, observation, target)
    return { state: closeRun(state, 'Superseded', cause, now), notes: [alert('info', cause)] }
  }
  const answer = rollbackAnswer(state, observation)
  if (answer === undefined) return undefined
  const asked = withProgress(state, { rollbackAskedAt: now })
  return answer.cause ? failAtOnce(asked, answer.cause, now) : { state: asked, notes: [] }
}

const failAtOnce = (state: ActiveRelease, cause: Cause, now: number): Change => ({
  state: enter(closeRun(state, 'Failed', cause, now), 'Failed', now, cause),
  notes: [alert('error', cause)],
})

const turnReasons: readonly Reason[] = ['WaitingForDependencies', 'WaitingForTurn']

/** Who waited for others reads when that was over. */
function begin(state: ActiveRelease, { now }: Observation): Change {
  const cause: Cause = { reason: 'Progressing', message: `${describeVersion(state.run)} is starting` }
  const notes = turnReasons.includes(state.cause.reason) ? [note('info', cause)] : []
  return { state: enter(withProgress(state, { askedAt: undefined }), 'Progressing', now, cause), notes }
}
