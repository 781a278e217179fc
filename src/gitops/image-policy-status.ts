import type { ImagePolicy } from '../api/index.ts'
import { isSameJson } from '../base/index.ts'

/** Reasons of an ImagePolicy's Ready condition and of its events. */
export const imagePolicyReasons = {
  upToDate: 'UpToDate',
  imageUpdated: 'ImageUpdated',
  suspended: 'Suspended',
  invalidSpec: 'InvalidSpec',
  credentialsInvalid: 'CredentialsInvalid',
  noMatchingTag: 'NoMatchingTag',
  targetNotFound: 'TargetNotFound',
  containerNotFound: 'ContainerNotFound',
  updateFailed: 'UpdateFailed',
} as const

/** What a look at a policy found. */
export interface Finding {
  readonly ready: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  /** Present when the registry has answered with a tag in the range. */
  readonly latestTag?: string | undefined
  /** When the registry answered, if it did. */
  readonly polledAt?: number | undefined
}

type Status = NonNullable<ImagePolicy['status']>

/** A poll that finds nothing new is written down once an hour only: an idle policy costs the API server nothing. */
const POLL_TIME_KEPT_MS = 3_600_000

/** The status after a finding; undefined when the one that stands says the same. */
export function nextStatus(policy: ImagePolicy, finding: Finding, now: number): Status | undefined {
  const former = policy.status ?? {}
  const next: Status = {
    ...former,
    observedGeneration: policy.metadata.generation ?? 0,
    latestTag: finding.latestTag ?? former.latestTag,
    conditions: [readyCondition(policy, finding, now)],
  }
  const isSame = isSameJson(next, former)
  if (finding.polledAt === undefined) return isSame ? undefined : next
  if (isSame && finding.polledAt - Date.parse(former.lastPollTime ?? '') < POLL_TIME_KEPT_MS) return undefined
  return { ...next, lastPollTime: timeOf(finding.polledAt) }
}

function readyCondition(policy: ImagePolicy, finding: Finding, now: number) {
  const former = policy.status?.conditions?.find((each) => each.type === 'Ready')
  return {
    type: 'Ready',
    status: finding.ready,
    reason: finding.reason,
    message: finding.message,
    lastTransitionTime: former?.status === finding.ready ? former.lastTransitionTime : timeOf(now),
    observedGeneration: policy.metadata.generation ?? 0,
  }
}

/** Whether the finding is news to people, beyond the status. */
export const isNews = (policy: ImagePolicy, finding: Finding): boolean =>
  policy.status?.conditions?.find((each) => each.type === 'Ready')?.reason !== finding.reason

const timeOf = (milliseconds: number): string => `${new Date(milliseconds).toISOString().slice(0, 19)}Z`
