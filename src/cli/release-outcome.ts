import type { Canary, CanaryRun } from '../api/index.ts'
import { isRevisionOf } from '../canary/index.ts'

export type Outcome = 'running' | 'succeeded' | 'rolled-back' | 'superseded'

export interface ReleaseFacts {
  readonly canary: Canary
  readonly runs: readonly CanaryRun[]
  /** Revision of the workload's template now; undefined where it is gone. */
  readonly workload: string | undefined
  /** Revision whose end is awaited. */
  readonly awaited: string
}

/**
 * How the release of one revision stands. What the Canary says counts only while it speaks of that revision: right
 * after a change it still tells how the one before has ended.
 */
export function outcomeOf({ canary, runs, workload, awaited }: ReleaseFacts): Outcome {
  const { lastAppliedSpec, lastPromotedSpec } = canary.status ?? {}
  if (isRevisionOf(awaited, lastAppliedSpec)) return endOf(canary)
  if (workload === awaited) return 'running'
  const run = newestRunOf(awaited, runs)
  if (run !== undefined) return outcomes[run.status?.phase ?? 'Running']
  return isRevisionOf(awaited, lastPromotedSpec) ? 'succeeded' : 'superseded'
}

const outcomes = {
  Running: 'running',
  Succeeded: 'succeeded',
  Failed: 'rolled-back',
  Superseded: 'superseded',
} as const

function endOf(canary: Canary): Outcome {
  const { phase, observedGeneration = 0 } = canary.status ?? {}
  if (observedGeneration < (canary.metadata.generation ?? 0)) return 'running'
  if (phase === 'Succeeded' || phase === 'Initialized') return 'succeeded'
  return phase === 'Failed' ? 'rolled-back' : 'running'
}

const newestRunOf = (revision: string, runs: readonly CanaryRun[]): CanaryRun | undefined =>
  runs
    .filter(({ spec }) => isRevisionOf(revision, spec.revision))
    .toSorted(byStart)
    .at(-1)

const byStart = (one: CanaryRun, other: CanaryRun): number =>
  Date.parse(one.spec.startedAt) - Date.parse(other.spec.startedAt)

/** Finds the revision that a word means: itself, or that of the newest release of an image. */
export function revisionNamed(
  word: string,
  runs: readonly CanaryRun[],
  workload: { readonly revision: string; readonly images: readonly string[] } | undefined,
): string | undefined {
  if (workload?.images.includes(word)) return workload.revision
  const run = runs
    .filter(({ spec }) => spec.images.includes(word))
    .toSorted(byStart)
    .at(-1)
  if (run !== undefined) return run.spec.revision
  const isKnown = workload?.revision === word || runs.some(({ spec }) => spec.revision === word)
  return isKnown ? word : undefined
}
