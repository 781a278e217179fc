import type { Check, GuardReader, GuardWatch, Suspicion } from '../analysis/index.ts'
import { type Canary, guardSettingsOf } from '../api/index.ts'
import { guardedRun, restoreState } from '../canary/index.ts'
import type { Clock } from '../runtime/index.ts'
import { checksOf, subjectOf } from './checks.ts'
import { keyOf } from './enqueue.ts'
import type { LocalCopies } from './local-copies.ts'
import type { ReferencePolicy } from './references.ts'

export interface GuardParts {
  readonly reader: GuardReader
  readonly intervalMs: number
  readonly copies: LocalCopies
  readonly policy: ReferencePolicy
  readonly defaultMetricsServer: string
  readonly clock: Clock
  /** Puts a Canary into the queue. */
  readonly wake: (key: string) => void
  /** Told after each round how many releases were read, and of each suspicion. */
  readonly metrics: { round(releases: number): void; suspected(): void }
}

/** Watches all releases in progress between their checks; what looks bad is measured at once. */
export interface Guard {
  /** What is suspected of a Canary, until it is settled. */
  suspicionOf(key: string): Suspicion | undefined
  /** It was looked into, or there is nothing to look into; until then no other of the same run comes up. */
  settle(key: string, suspicion: Suspicion | undefined): void
  start(signal: AbortSignal): Promise<void>
}

export function createGuard(parts: GuardParts): Guard {
  const suspicions = new Map<string, Suspicion>()
  const suspect = (suspicion: Suspicion): void => {
    // Asked anew each round, a thousand bad releases would have a metric server answer none.
    if (suspicions.get(suspicion.key)?.run === suspicion.run) return
    suspicions.set(suspicion.key, suspicion)
    parts.metrics.suspected()
    parts.wake(suspicion.key)
  }
  return {
    suspicionOf: (key) => suspicions.get(key),
    settle(key, suspicion) {
      if (suspicions.get(key) === suspicion) suspicions.delete(key)
    },
    async start(signal) {
      const { clock, copies, intervalMs, reader, metrics } = parts
      const rounds = new Set<Promise<void>>()
      while (!signal.aborted) {
        const watches = copies.canaries.list().flatMap((canary) => watchOf(parts, canary) ?? [])
        // The next round does not wait for a server that hangs: the reader asks nobody twice at a time.
        const round = reader.read(watches, suspect, signal).finally(() => rounds.delete(round))
        rounds.add(round)
        metrics.round(watches.length)
        await clock.sleep(intervalMs, signal)
      }
      await Promise.all(rounds)
    },
  }
}

function watchOf({ copies, policy, defaultMetricsServer }: GuardParts, canary: Canary): GuardWatch | undefined {
  const { phase, runName } = canary.status ?? {}
  const settings = guardSettingsOf(canary.spec.analysis)
  // Whatever else the recorded run says, only these two have steps; most Canaries of a cluster are in neither.
  if (runName === undefined || !settings.enabled || (phase !== 'Progressing' && phase !== 'WaitingPromotion')) return
  const { namespace } = canary.metadata
  const run = guardedRun(restoreState(canary, copies.runs.get({ namespace, name: runName })), { canary })
  if (run === undefined) return undefined
  const checks = checksOf(canary, copies, policy).flatMap((found): readonly Check[] => {
    if (!('check' in found)) return []
    return [{ ...found.check, memory: run.memories.find(({ metric }) => metric === found.metric.name) }]
  })
  return {
    key: keyOf(canary),
    run: run.run,
    subject: subjectOf(canary),
    checks,
    settings,
    metricsServer: canary.spec.metricsServer ?? defaultMetricsServer,
    sinceMs: run.since,
    programmedMs: run.programmedAt,
  }
}
