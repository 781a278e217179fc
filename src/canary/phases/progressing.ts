import { renderDuration } from '../../base/index.ts'
import { countFailure, takeCheck } from '../check.ts'
import { type Change, note } from '../decision.ts'
import { gateAnswer } from '../gates.ts'
import { guard } from '../guards.ts'
import { holdWith } from '../hold.ts'
import type { Observation } from '../observation.ts'
import { hooksOf } from '../questions.ts'
import type { Cause } from '../reasons.ts'
import { closeStep, currentStep, openStep, updateStep, withProgress } from '../run.ts'
import { type ActiveRelease, isActive } from '../state.ts'
import { deadlineMsOf, parseTime, renderTime } from '../timing.ts'
import { isServed, type PlannedStep, planSteps, recoveryPlan, trafficOf } from '../weights.ts'
import { enterPromoting } from './promoting.ts'
import { enterWaitingPromotion } from './waiting-promotion.ts'

/** Steps of rising weight; each is held until its evidence is in. */
export function progressing(state: ActiveRelease, observation: Observation): Change | undefined {
  const guarded = guard(state, observation)
  if (guarded) return guarded
  if (state.run.progress.readyAt === undefined) {
    return holdWith(state, { reason: 'Progressing', message: `waiting for ${state.run.revision} to be ready` })
  }
  if (isShortened(state, observation)) return enterPromoting(state, observation)
  if (state.run.progress.preparedAt === undefined) return prepare(state, observation)
  if (currentStep(state) === undefined) return nextStep(state, observation)
  return holdStep(state, observation)
}

/** The exceptions to "no weight without a verdict": the user asked for promotion without steps. */
export const isShortened = (state: ActiveRelease, { canary, target }: Observation): boolean =>
  target?.isReady === true && (canary.spec.skipAnalysis || state.run.progress.command === 'promote')

function prepare(state: ActiveRelease, observation: Observation): Change | undefined {
  const prepared = withProgress(state, { preparedAt: observation.now, askedAt: undefined })
  if (hooksOf(observation, 'pre-rollout').length === 0) return { state: prepared, notes: [] }
  const answer = gateAnswer(state, observation)
  if (answer === undefined) return undefined
  if (answer.ok) return { state: prepared, notes: [] }
  return countFailure(withProgress(state, { askedAt: observation.now }), observation, answer.message)
}

const plan = (state: ActiveRelease, { canary }: Observation): readonly PlannedStep[] =>
  state.run.progress.recovering ? recoveryPlan : planSteps(canary.spec.analysis)

function nextStep(state: ActiveRelease, observation: Observation): Change {
  const planned = plan(state, observation)[state.run.progress.stepIndex + 1]
  if (planned === undefined) return leaveSteps(state, observation)
  const cause: Cause = { reason: 'WeightChanged', message: describe(planned, state.run.revision) }
  return {
    state: { ...openStep(state, planned, observation.now), cause, stalled: undefined },
    notes: [note('info', cause)],
  }
}

const describe = ({ kind, traffic }: PlannedStep, revision: string): string =>
  kind === 'mirror'
    ? `mirroring ${traffic.mirror}% of the requests to ${revision}`
    : `${revision} gets ${traffic.canary}% of the requests`

/** The last step passed; it stays open, with its weight, while a gate is asked. */
function leaveSteps(state: ActiveRelease, observation: Observation): Change {
  return hooksOf(observation, 'confirm-promotion').length > 0
    ? enterWaitingPromotion(state, observation)
    : enterPromoting(state, observation)
}

function holdStep(state: ActiveRelease, observation: Observation): Change | undefined {
  if (currentStep(state)?.programmedAt === undefined) return waitForProxies(state, observation)
  const checked = takeCheck(state, observation)
  if (checked === undefined || !isActive(checked.state)) return checked
  return passIfEnough(checked.state, observation) ?? checked
}

/** The window of a step begins when every proxy concerned has its weight, by no clock but ours. */
function waitForProxies(state: ActiveRelease, observation: Observation): Change | undefined {
  const { now, route } = observation
  const step = currentStep(state)
  if (step === undefined) return undefined
  const startedAt = parseTime(step.startedAt) ?? now
  if (!isServed(route, trafficOf(step))) return waitLonger(state, observation, startedAt)
  const programmedAt = Math.min(now, Math.max(startedAt, route.programmedAt ?? now))
  const marked = updateStep(state, (each) => ({ ...each, programmedAt: renderTime(programmedAt) }))
  const progress = { checkedAt: programmedAt, verdictAt: programmedAt }
  return { state: { ...withProgress(marked, progress), stalled: undefined }, notes: [] }
}

function waitLonger(state: ActiveRelease, observation: Observation, startedAt: number): Change | undefined {
  const deadlineMs = deadlineMsOf(observation.canary.spec)
  if (observation.now - startedAt < deadlineMs) return undefined
  const why = observation.route.message ?? 'no proxy answered'
  const message = `proxies did not take the route within ${renderDuration(deadlineMs)}: ${why}`
  return holdWith(state, { reason: 'ProxiesLagging', message }, 'stalled')
}

function passIfEnough(state: ActiveRelease, observation: Observation): Change | undefined {
  const { iterations, lastCheck, stepIndex } = state.run.progress
  const needed = plan(state, observation)[stepIndex]?.iterations ?? 1
  if (lastCheck !== 'passed' || iterations < needed) return undefined
  const isLast = plan(state, observation)[stepIndex + 1] === undefined
  if (isLast) return leaveSteps(state, observation)
  return nextStep(closeStep(state, 'passed', observation.now), observation)
}
