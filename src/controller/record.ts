import {
  type Canary,
  type CanaryRun,
  type CanaryStatus,
  canaryKind,
  canaryRunKind,
  type OwedNotice,
} from '../api/index.ts'
import { isSameJson } from '../base/index.ts'
import {
  type Observation,
  type ReleaseState,
  renderRunStatus,
  renderStatus,
  restoreState,
  type Traffic,
} from '../canary/index.ts'
import { isConflict, type KubeClient } from '../kube/index.ts'
import type { LocalCopies } from './local-copies.ts'

export interface RecordOptions {
  readonly client: KubeClient
  readonly copies: LocalCopies
}

export interface Outcome {
  readonly next: ReleaseState
  /** The run that the decision was made on; undefined for one that is only now begun. */
  readonly run: CanaryRun | undefined
  readonly observation: Pick<Observation, 'canary' | 'now'>
  readonly traffic: Traffic | undefined
  readonly notices?: RunNotices
}

/** Alerts of a run: what its record owes, what of that is settled, and what this pass adds. */
export interface RunNotices {
  readonly owed: readonly OwedNotice[]
  readonly added: readonly OwedNotice[]
  readonly isSettled: (id: string) => boolean
}

/**
 * Writes where the release stands on its run, if it differs from what is recorded. A run that is only now begun gets its
 * first status with the next change: its absence says the same.
 */
export async function recordRun({ client, copies }: RecordOptions, outcome: Outcome): Promise<boolean> {
  const { run: recorded, next, observation } = outcome
  const { run } = next
  if (run === undefined || recorded?.metadata.name !== run.name) return false
  const { owed, added } = noticesAfter(outcome)
  const plain = renderRunStatus(next, run)
  const { notices: former, ...rest } = recorded.status ?? firstStatus(observation.canary, recorded)
  const isSame = isSameJson(plain, rest)
  // While the release goes on, what was delivered is struck off with the next write.
  const isOwedLess = run.outcome !== 'Running' && owed.length < (former?.length ?? 0)
  if (isSame && added.length === 0 && !isOwedLess) return false
  const notices = [...owed, ...added]
  const status = { ...plain, ...(notices.length === 0 ? {} : { notices }) }
  const written = await client.replace<CanaryRun>(canaryRunKind, { ...recorded, status }, 'status')
  copies.runs.overlay(written)
  return true
}

/** What the absence of a status says. */
function firstStatus(canary: Canary, recorded: CanaryRun): Partial<NonNullable<CanaryRun['status']>> {
  const state = restoreState(canary, recorded)
  return state.run === undefined ? {} : renderRunStatus(state, state.run)
}

/** More than the record holds were not decided in one run. */
const MOST_NOTICES = 32

function noticesAfter({ notices }: Outcome): Pick<RunNotices, 'owed' | 'added'> {
  const { owed = [], added = [], isSettled = () => false } = notices ?? {}
  return { owed: owed.filter(({ id }) => !isSettled(id)).slice(added.length - MOST_NOTICES), added }
}

/** Writes what people and tools read of the release, if it differs from what they read now. */
export async function recordCanary(
  options: RecordOptions,
  { next, observation, traffic }: Omit<Outcome, 'run' | 'notices'>,
): Promise<boolean> {
  const { canary } = observation
  const status = renderStatus(next, observation, traffic)
  if (isSameJson(status, canary.status)) return false
  const ref = { namespace: canary.metadata.namespace, name: canary.metadata.name }
  const newest = options.copies.canaries.get(ref)
  // A status that somebody else wrote since must meet the old version, and be refused.
  const base = newest && isSameStatus(newest, canary) ? newest : canary
  options.copies.canaries.overlay(await writeStatus(options, base, status))
  return true
}

const isSameStatus = (one: Canary, other: Canary): boolean =>
  one.metadata.uid === other.metadata.uid && isSameJson(one.status, other.status)

/** Users write spec and annotations meanwhile: only another writer of the status is a conflict. */
async function writeStatus({ client }: RecordOptions, canary: Canary, status: CanaryStatus): Promise<Canary> {
  try {
    return await client.replace<Canary>(canaryKind, { ...canary, status }, 'status')
  } catch (error) {
    if (!isConflict(error)) throw error
    const { namespace, name } = canary.metadata
    const current = await client.get(canaryKind, { namespace, name })
    if (current === undefined || !isSameStatus(current, canary)) throw error
    return client.replace<Canary>(canaryKind, { ...current, status }, 'status')
  }
}
