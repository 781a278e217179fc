import { describeChange, isOfFlagger, type Phase, type RunStep } from '../api/index.ts'
import type { NewRun } from './decision.ts'
import type { Observation, RunFacts, WorkloadFacts } from './observation.ts'
import type { Cause } from './reasons.ts'
import { type ActiveRelease, firstProgress, type ReleaseState, type RunOutcome, type RunProgress } from './state.ts'
import { renderTime } from './timing.ts'
import type { PlannedStep } from './weights.ts'

const HISTORY_LENGTH = 5

/** Enters a phase: its time begins now, and what stalled the last one is over. */
export const enter = <S extends ReleaseState>(state: S, phase: Phase, now: number, cause: Cause): S => ({
  ...state,
  phase,
  since: now,
  cause,
  stalled: undefined,
})

export const withProgress = (state: ActiveRelease, progress: Partial<RunProgress>): ActiveRelease => ({
  ...state,
  run: { ...state.run, progress: { ...state.run.progress, ...progress } },
})

/** Names the next run: the number after the last, or that of a run whose start was interrupted before it was recorded. */
export function nameNextRun(state: ReleaseState, observation: Observation, revision: string): string {
  const prefix = isOfFlagger(observation.canary) ? 'flagger-' : ''
  const canary = `${prefix}${observation.canary.metadata.name}`
  const current = numberOf(state.run?.name)
  const isInterrupted = (run: RunFacts) => run.isFresh && run.revision === revision && numberOf(run.name) > current
  const interrupted = observation.runs.find(isInterrupted)
  if (interrupted) return interrupted.name
  const largest = Math.max(current, ...observation.runs.map((run) => numberOf(run.name)))
  return `${canary}-${largest + 1}`
}

export const numberOf = (runName: string | undefined): number => Number(/-(\d+)$/.exec(runName ?? '')?.[1] ?? 0)

/** Runs in excess of those that are kept, beside the one that is about to be made. */
export function surplusRuns(runs: readonly RunFacts[], keep: number): readonly string[] {
  const names = [...runs].sort((left, right) => numberOf(right.name) - numberOf(left.name)).map((run) => run.name)
  return names.slice(keep)
}

export function newRun(state: ReleaseState, observation: Observation, target: WorkloadFacts): NewRun {
  return {
    name: nameNextRun(state, observation, target.revision),
    revision: target.revision,
    images: target.images,
    previousImages: observation.primary?.images,
    startedAt: observation.now,
  }
}

export const newRevision = (run: Pick<NewRun, 'images' | 'previousImages' | 'revision'>): Cause => ({
  reason: 'NewRevision',
  message: `new revision ${describeChange(run.previousImages, run)}`,
})

export const openRun = (state: ReleaseState, { beginning, ...run }: NewRun, cause: Cause): ActiveRelease => ({
  ...state,
  lastAppliedSpec: run.revision,
  run: { ...run, outcome: 'Running', cause, steps: [], progress: firstProgress(beginning) },
})

/** Ends a run and notes it in the history. */
export function closeRun(
  state: ActiveRelease,
  outcome: Exclude<RunOutcome, 'Running'>,
  cause: Cause,
  now: number,
): ReleaseState {
  const line = `${renderTime(now)} ${state.run.name} ${describeChange(state.run.previousImages, state.run)} ${outcome}: ${cause.message}`
  const closed = closeStep(state, stepOutcomes[outcome], now)
  return {
    ...closed,
    cause,
    history: [line, ...state.history].slice(0, HISTORY_LENGTH),
    run: { ...closed.run, outcome, cause, endedAt: now },
  }
}

const stepOutcomes = { Succeeded: 'passed', Failed: 'failed', Superseded: 'superseded' } as const

export const currentStep = (state: ActiveRelease): RunStep | undefined => {
  const last = state.run.steps.at(-1)
  return last?.outcome === 'running' ? last : undefined
}

export function openStep(state: ActiveRelease, planned: PlannedStep, now: number): ActiveRelease {
  const step: RunStep = {
    kind: planned.kind,
    weight: planned.traffic.canary,
    mirrorWeight: planned.traffic.mirror,
    ...(planned.traffic.session === undefined ? {} : { session: planned.traffic.session }),
    startedAt: renderTime(now),
    outcome: 'running',
    verdicts: [],
  }
  const stepIndex = state.run.progress.stepIndex + 1
  const opened = withProgress(state, {
    stepIndex,
    iterations: 0,
    checkedAt: undefined,
    lastCheck: undefined,
    askedAt: undefined,
  })
  return { ...opened, run: { ...opened.run, steps: [...opened.run.steps, step] } }
}

export const updateStep = (state: ActiveRelease, change: (step: RunStep) => RunStep): ActiveRelease => ({
  ...state,
  run: { ...state.run, steps: state.run.steps.map((step) => (step.outcome === 'running' ? change(step) : step)) },
})

export const closeStep = (state: ActiveRelease, outcome: RunStep['outcome'], now: number): ActiveRelease =>
  updateStep(state, (step) => ({ ...step, outcome, endedAt: renderTime(now) }))
