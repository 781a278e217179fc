import type { CanaryRun, RunStep } from '../api/index.ts'
import { remember } from '../base/index.ts'
import { type Cause, isReason } from './reasons.ts'
import { newRevision } from './run.ts'
import type { Ending, ReleaseState, RunProgress, RunState } from './state.ts'
import { firstProgress } from './state.ts'
import { parseTime, renderTime } from './timing.ts'

type RunStatus = NonNullable<CanaryRun['status']>
type RecordedProgress = NonNullable<RunStatus['progress']>

/** etcd refuses objects above 1.5 MiB, and every watcher holds each one in memory. */
const LARGEST_STATUS = 200_000
const STEPS_KEPT = 200

/** The record of a run, from which any leader can go on. */
export function renderRunStatus(state: ReleaseState, run: RunState): RunStatus {
  const steps = stepsKept(run.steps)
  return {
    phase: run.outcome,
    reason: run.outcome === 'Running' ? state.cause.reason : run.cause.reason,
    message: run.outcome === 'Running' ? state.cause.message : run.cause.message,
    endedAt: render(run.endedAt),
    steps: [...steps],
    progress: renderProgress(state, run.progress),
  }
}

function renderProgress(state: ReleaseState, progress: RunProgress): RecordedProgress {
  const { ending } = progress
  return {
    phase: state.phase,
    since: renderTime(state.since),
    ...state.cause,
    readyAt: render(progress.readyAt),
    unreadyAt: render(progress.unreadyAt),
    preparedAt: render(progress.preparedAt),
    askedAt: render(progress.askedAt),
    confirmedAt: render(progress.confirmedAt),
    rollbackAskedAt: render(progress.rollbackAskedAt),
    farewellDue: progress.farewellDue,
    stepIndex: progress.stepIndex,
    checkedAt: render(progress.checkedAt),
    verdictAt: render(progress.verdictAt),
    lastCheck: progress.lastCheck,
    failedChecks: progress.failedChecks,
    iterations: progress.iterations,
    metrics: progress.metrics && [...progress.metrics],
    command: progress.command,
    returning: progress.returning,
    frozenAt: render(progress.frozenAt),
    recovering: progress.recovering,
    heldAt: render(progress.heldAt),
    ending: ending && { outcome: ending.outcome, ...ending.cause, since: renderTime(ending.since) },
  }
}

const render = (time: number | undefined): string | undefined => (time === undefined ? undefined : renderTime(time))

/** Only steps that have changed are written out to see how long they are. */
const stepsKept = remember((steps: readonly RunStep[]) => keepWithinLimit(steps.slice(-STEPS_KEPT)))

/** Drops the oldest verdicts first: the last ones decided. */
function keepWithinLimit(steps: readonly RunStep[]): readonly RunStep[] {
  let kept = steps
  for (let index = 0; index < steps.length && JSON.stringify(kept).length > LARGEST_STATUS; index++) {
    kept = kept.map((step, position) => (position === index ? { ...step, verdicts: step.verdicts.slice(-1) } : step))
  }
  return kept
}

/** The run as it was recorded; one without a status has only just begun. */
export function restoreRun(recorded: CanaryRun): RunState {
  const { spec, status, metadata } = recorded
  return {
    name: metadata.name,
    revision: spec.revision,
    images: spec.images,
    previousImages: spec.previousImages,
    startedAt: parseTime(spec.startedAt) ?? 0,
    outcome: status?.phase ?? 'Running',
    cause: status ? restoreCause(status.reason, status.message) : newRevision(spec),
    endedAt: parseTime(status?.endedAt),
    steps: status?.steps ?? [],
    progress: status?.progress ? restoreProgress(status.progress) : firstProgress(spec.beginning),
  }
}

function restoreProgress(recorded: RecordedProgress): RunProgress {
  return {
    readyAt: parseTime(recorded.readyAt),
    unreadyAt: parseTime(recorded.unreadyAt),
    preparedAt: parseTime(recorded.preparedAt),
    askedAt: parseTime(recorded.askedAt),
    confirmedAt: parseTime(recorded.confirmedAt),
    rollbackAskedAt: parseTime(recorded.rollbackAskedAt),
    farewellDue: recorded.farewellDue,
    stepIndex: recorded.stepIndex,
    checkedAt: parseTime(recorded.checkedAt),
    verdictAt: parseTime(recorded.verdictAt),
    lastCheck: recorded.lastCheck,
    failedChecks: recorded.failedChecks,
    iterations: recorded.iterations,
    metrics: recorded.metrics,
    command: recorded.command,
    returning: recorded.returning,
    frozenAt: parseTime(recorded.frozenAt),
    recovering: recorded.recovering,
    heldAt: parseTime(recorded.heldAt),
    ending: recorded.ending && restoreEnding(recorded.ending),
  }
}

const restoreEnding = (recorded: NonNullable<RecordedProgress['ending']>): Ending => ({
  outcome: recorded.outcome,
  cause: restoreCause(recorded.reason, recorded.message),
  since: parseTime(recorded.since) ?? 0,
})

/** A word of a newer version is kept as well as it can be. */
export const restoreCause = (reason: string, message: string): Cause => ({
  reason: isReason(reason) ? reason : 'Progressing',
  message,
})
