import type { Condition, Job, Pod } from '../../api/index.ts'
import { isFinished, isTerminating, restartsOf } from './pod-facts.ts'

type JobStatus = NonNullable<Job['status']>

export interface JobState {
  readonly job: Job
  /** The pods it controls. */
  readonly pods: readonly Pod[]
  /** Pods whose deletion was asked for and is not seen yet. */
  readonly leaving: ReadonlySet<string>
  readonly now: number
}

export type JobAction =
  | { readonly kind: 'createPods'; readonly count: number }
  | { readonly kind: 'deletePod'; readonly pod: Pod }
  | { readonly kind: 'writeStatus'; readonly status: JobStatus }
  | { readonly kind: 'deleteJob' }

export interface JobDecision {
  readonly actions: readonly JobAction[]
  /** Time alone changes the decision after this. */
  readonly requeueAfterMs?: number
}

type End = Pick<Condition, 'type' | 'reason' | 'message'>

/** Kubernetes' delays between a failed pod and the next. */
const FIRST_BACK_OFF_MS = 10_000
const LONGEST_BACK_OFF_MS = 600_000
const DEFAULT_BACK_OFF_LIMIT = 6

/** Runs pods until enough of them have succeeded, or too many failed. */
export function decideJob(state: JobState): JobDecision {
  const { job } = state
  if (job.metadata.deletionTimestamp !== undefined) return { actions: [] }
  const ended = job.status?.conditions?.find(({ type, status }) => isEnd(type) && status === 'True')
  return ended === undefined ? decideRunning(state) : decideEnded(state, ended)
}

const isEnd = (type: string): boolean => type === 'Complete' || type === 'Failed'

function decideEnded({ job, now }: JobState, { lastTransitionTime }: Condition): JobDecision {
  const seconds = job.spec.ttlSecondsAfterFinished
  if (seconds === undefined) return { actions: [] }
  const remaining = Date.parse(lastTransitionTime) + seconds * 1_000 - now
  return remaining <= 0 ? { actions: [{ kind: 'deleteJob' }] } : { actions: [], requeueAfterMs: remaining }
}

function decideRunning(state: JobState): JobDecision {
  const { job, pods, leaving, now } = state
  const counts = countPods(pods, leaving)
  const startedAt = job.status?.startTime === undefined ? now : Date.parse(job.status.startTime)
  const end = job.spec.suspend === true ? undefined : endOf(state, counts, startedAt)
  const missing = end === undefined && job.spec.suspend !== true ? missingPods(job, counts) : 0
  const waitMs = missing > 0 ? backOff(counts.failed, now) : 0
  const unwanted = end === undefined && job.spec.suspend !== true ? [] : counts.active
  const creates: readonly JobAction[] = missing > 0 && waitMs <= 0 ? [{ kind: 'createPods', count: missing }] : []
  const status = renderStatus(state, { ...counts, startedAt, end, unwanted: unwanted.length })
  const writes: readonly JobAction[] = isSameStatus(status, job.status) ? [] : [{ kind: 'writeStatus', status }]
  const waits = [waitMs, untilDeadline(job, startedAt, now)].filter((wait) => wait > 0 && Number.isFinite(wait))
  return {
    actions: [...unwanted.map((pod) => ({ kind: 'deletePod', pod }) as const), ...creates, ...writes],
    ...(end !== undefined || waits.length === 0 ? {} : { requeueAfterMs: Math.min(...waits) }),
  }
}

interface Counts {
  readonly active: readonly Pod[]
  readonly succeeded: readonly Pod[]
  readonly failed: readonly Pod[]
}

function countPods(pods: readonly Pod[], leaving: ReadonlySet<string>): Counts {
  const isLeaving = (pod: Pod) => isTerminating(pod) || leaving.has(pod.metadata.uid ?? '')
  return {
    active: pods.filter((pod) => !isFinished(pod) && !isLeaving(pod)),
    succeeded: pods.filter(({ status }) => status?.phase === 'Succeeded'),
    failed: pods.filter(({ status }) => status?.phase === 'Failed'),
  }
}

function endOf({ job, now }: JobState, { active, succeeded, failed }: Counts, startedAt: number): End | undefined {
  const { completions = 1, backoffLimit = DEFAULT_BACK_OFF_LIMIT } = job.spec
  if (succeeded.length >= completions) return { type: 'Complete', reason: 'CompletionsReached', message: '' }
  const failures = failed.length + active.reduce((sum, pod) => sum + restartsOf(pod), 0)
  if (failures > backoffLimit) {
    const message = 'Job has reached the specified backoff limit'
    return { type: 'Failed', reason: 'BackoffLimitExceeded', message }
  }
  if (untilDeadline(job, startedAt, now) > 0) return undefined
  return { type: 'Failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' }
}

const untilDeadline = ({ spec }: Job, startedAt: number, now: number): number =>
  startedAt + (spec.activeDeadlineSeconds ?? Number.POSITIVE_INFINITY) * 1_000 - now

function missingPods({ spec }: Job, { active, succeeded }: Counts): number {
  const { parallelism = 1, completions = 1 } = spec
  return Math.min(parallelism, completions - succeeded.length) - active.length
}

/** Milliseconds until a pod may follow the last that failed. */
function backOff(failed: readonly Pod[], now: number): number {
  if (failed.length === 0) return 0
  const ends = failed.flatMap(({ status }) =>
    (status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? '') || 0),
  )
  return Math.max(0, ...ends) + Math.min(FIRST_BACK_OFF_MS * 2 ** (failed.length - 1), LONGEST_BACK_OFF_MS) - now
}

interface Counted extends Counts {
  readonly startedAt: number
  readonly end: End | undefined
  readonly unwanted: number
}

function renderStatus({ job, now }: JobState, counted: Counted): JobStatus {
  const { active, succeeded, failed, startedAt, end, unwanted } = counted
  const time = renderTime(now)
  const condition = end && { ...end, status: 'True' as const, lastProbeTime: time, lastTransitionTime: time }
  return {
    ...job.status,
    startTime: job.status?.startTime ?? renderTime(startedAt),
    active: active.length - unwanted,
    succeeded: succeeded.length,
    failed: failed.length,
    ...(end?.type === 'Complete' ? { completionTime: time } : {}),
    ...(condition === undefined ? {} : { conditions: [...(job.status?.conditions ?? []), condition] }),
  }
}

const isSameStatus = (left: JobStatus, right: Job['status']): boolean =>
  left.startTime === right?.startTime &&
  (left.active ?? 0) === (right?.active ?? 0) &&
  (left.succeeded ?? 0) === (right?.succeeded ?? 0) &&
  (left.failed ?? 0) === (right?.failed ?? 0) &&
  (left.conditions?.length ?? 0) === (right?.conditions?.length ?? 0)

/** Kubernetes' times have whole seconds. */
const renderTime = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
