import { isSteady, takeCheck } from '../check.ts'
import type { Change } from '../decision.ts'
import { type GateAnswer, gateAnswer, hasGate, holdAtGate } from '../gates.ts'
import { guard } from '../guards.ts'
import { goOnConfirmed } from '../next-step.ts'
import type { Observation } from '../observation.ts'
import { withProgress } from '../run.ts'
import { type ActiveRelease, isActive } from '../state.ts'
import { enterPromoting } from './promoting.ts'

/** Every step passed; the analysis goes on while `confirm-promotion` holds the release. */
export function waitingPromotion(state: ActiveRelease, observation: Observation): Change | undefined {
  const { command } = state.run.progress
  const guarded = guard(state, observation)
  if (guarded) return guarded
  if (command === 'promote' && observation.target?.isReady) return enterPromoting(state, observation)
  if (state.run.progress.frozenAt !== undefined) return undefined
  const checked = takeCheck(state, observation)
  if (checked === undefined) return takeGate(state, observation)
  if (!isActive(checked.state) || checked.state.run.progress.ending) return checked
  return takeGate(checked.state, observation) ?? checked
}

const open: GateAnswer = { ok: true, message: '', isMuted: true }

function takeGate(state: ActiveRelease, observation: Observation): Change | undefined {
  const isOpen = !hasGate(state, observation, 'confirm-promotion')
  const answer = isOpen ? open : gateAnswer(state, observation)
  if (answer === undefined) return undefined
  if (answer.ok && state.run.progress.lastCheck === 'passed' && isSteady(state, observation))
    return goOnConfirmed(state, observation)
  if (!answer.ok) return holdAtGate(state, observation, answer, 'WaitingForPromotion')
  const mayAskAgain = !isOpen && !answer.isManual
  return mayAskAgain ? { state: withProgress(state, { askedAt: observation.now }), notes: [] } : undefined
}
