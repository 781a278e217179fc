import type { Canary } from '../api/index.ts'
import type { Observation } from './observation.ts'
import { currentStep } from './run.ts'
import { type ActiveRelease, isActive, type ReleaseState } from './state.ts'
import { intervalMsOf } from './timing.ts'
import { type PlannedStep, planSteps, recoveryPlan } from './weights.ts'

type Planned = Pick<Observation, 'canary'>

export const planOf = (state: ActiveRelease, { canary }: Planned): readonly PlannedStep[] =>
  state.run.progress.recovering ? recoveryPlan : planSteps(canary.spec.analysis)

export const nextPlanned = (state: ActiveRelease, observation: Planned): PlannedStep | undefined =>
  planOf(state, observation)[state.run.progress.stepIndex + 1]

/** The current step has all the passing checks it needs, and the last check was one. */
export function isStepPassed(state: ActiveRelease, observation: Planned): boolean {
  const { iterations, lastCheck, stepIndex } = state.run.progress
  const needed = planOf(state, observation)[stepIndex]?.iterations ?? 1
  return lastCheck === 'passed' && iterations >= needed
}

/** More users would meet the new version in this step than do now. */
export const isIncrease = (state: ActiveRelease, planned: PlannedStep): boolean =>
  planned.traffic.canary > (currentStep(state)?.weight ?? 0)

/** The shortest time in milliseconds until the last step can have passed; 0 where no run is on. */
export function remainingTimeOf(state: ReleaseState, canary: Canary): number {
  if (!isActive(state)) return 0
  const { stepIndex, iterations } = state.run.progress
  const left = planOf(state, { canary }).slice(Math.max(0, stepIndex))
  const checks = left.reduce((total, step) => total + step.iterations, 0) - iterations
  return Math.max(0, checks) * intervalMsOf(canary.spec)
}
