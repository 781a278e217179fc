import { describeVersion } from '../../api/index.ts'
import { awaitProxies } from '../acknowledgement.ts'
import { countFailure, takeCheck } from '../check.ts'
import type { Change } from '../decision.ts'
import { gateAnswer } from '../gates.ts'
import { guard } from '../guards.ts'
import { holdWith } from '../hold.ts'
import { nextStep } from '../next-step.ts'
import type { Observation } from '../observation.ts'
import { hooksOf } from '../questions.ts'
import { currentStep, withProgress } from '../run.ts'
import { type ActiveRelease, isActive } from '../state.ts'
import { isStepPassed } from '../step-plan.ts'
import { enterPromoting } from './promoting.ts'

/** Steps of rising weight; each is held until its evidence is in. */
export function progressing(state: ActiveRelease, observation: Observation): Change | undefined {
  const guarded = guard(state, observation)
  if (guarded) return guarded
  if (state.run.progress.readyAt === undefined) return awaitReadiness(state, observation)
  if (isShortened(state, observation)) return enterPromoting(state, observation)
  if (state.run.progress.frozenAt !== undefined) return undefined
  if (state.run.progress.preparedAt === undefined) return prepare(state, observation)
  if (currentStep(state) === undefined) return nextStep(state, observation)
  return holdStep(state, observation)
}

/** Most versions are ready before anybody reads that they are not, and each word costs two writes. */
const QUIET_MS = 15_000

/** When it is said what a run waits for that is not ready yet. */
export const slownessSaidAt = ({ since, run }: ActiveRelease): number | undefined =>
  run.progress.readyAt === undefined ? since + QUIET_MS : undefined

function awaitReadiness(state: ActiveRelease, { now }: Observation): Change | undefined {
  if (now < state.since + QUIET_MS) return undefined
  return holdWith(state, { reason: 'Progressing', message: `waiting for ${describeVersion(state.run)} to be ready` })
}

/** The exceptions to "no weight without a verdict": the user asked for promotion without steps. */
export const isShortened = ({ run: { progress } }: ActiveRelease, { canary, target }: Observation): boolean =>
  target?.isReady === true &&
  (canary.spec.skipAnalysis || progress.returning === true || progress.command === 'promote')

function prepare(state: ActiveRelease, observation: Observation): Change | undefined {
  const prepared = withProgress(state, { preparedAt: observation.now, askedAt: undefined })
  if (hooksOf(observation, 'pre-rollout').length === 0) return { state: prepared, notes: [] }
  const answer = gateAnswer(state, observation)
  if (answer === undefined) return undefined
  if (answer.ok) return { state: prepared, notes: [] }
  return countFailure(withProgress(state, { askedAt: observation.now }), observation, answer.message)
}

function holdStep(state: ActiveRelease, observation: Observation): Change | undefined {
  const step = currentStep(state)
  if (step && step.programmedAt === undefined) return awaitProxies(state, observation, step)
  const checked = takeCheck(state, observation)
  const after = checked?.state ?? state
  if (!isActive(after) || after.run.progress.ending || !isStepPassed(after, observation)) return checked
  return nextStep(after, observation) ?? checked
}
