import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Canary, MetricVerdict } from '../api/index.ts'
import { findOrMake } from '../base/index.ts'
import type { ReleaseState, Traffic } from '../canary/index.ts'
import { createStalledGauge } from './stalled-gauge.ts'

const STATUS = { progressing: 0, done: 1, failed: 2 } as const

export interface ControllerMetrics {
  /** Canaries whose conditions are shown, read at each scrape. */
  show(canaries: () => readonly Canary[]): void
  observe(canary: Canary, state: ReleaseState, traffic: Traffic | undefined): void
  verdicts(canary: Canary, verdicts: readonly MetricVerdict[]): void
  /** Called when a run has ended. */
  ended(canary: Canary, state: ReleaseState): void
  reconciled(seconds: number, result: 'ok' | 'error'): void
  forget(canary: { readonly namespace: string; readonly name: string; readonly target: string | undefined }): void
}

const names = ['name', 'namespace'] as const

interface VerdictLabels {
  readonly name: string
  readonly namespace: string
  readonly metric: string
  readonly state: string
}

/** Flagger's series under our name, beside the loop's own. */
function createSeries(registry: Registry) {
  const registers = [registry]
  return {
    status: new Gauge({
      registers,
      name: 'sluice_canary_status',
      help: '0 in progress, 1 done, 2 failed',
      labelNames: names,
    }),
    weight: new Gauge({
      registers,
      name: 'sluice_canary_weight',
      help: 'Percentage of the requests that a workload gets',
      labelNames: ['workload', 'namespace'],
    }),
    duration: new Histogram({
      registers,
      name: 'sluice_canary_duration_seconds',
      help: 'Time of a run from the change to its end',
      labelNames: names,
      buckets: [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400],
    }),
    ...createCounters(registry),
    verdicts: new Counter({
      registers,
      name: 'sluice_canary_verdicts_total',
      help: 'Verdicts of checks: passed, failed, inconclusive, no-data, query-error, provider-down',
      labelNames: ['name', 'namespace', 'metric', 'state'],
    }),
    analysis: new Gauge({
      registers,
      name: 'sluice_canary_metric_analysis',
      help: 'Last measured value of a metric',
      labelNames: ['name', 'namespace', 'metric'],
    }),
    reconcile: new Histogram({
      registers,
      name: 'sluice_reconcile_duration_seconds',
      help: 'Time of one pass of the loop, measurements included',
      labelNames: ['result'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 30],
    }),
  }
}

function createCounters(registry: Registry) {
  const registers = [registry]
  return {
    successes: new Counter({
      registers,
      name: 'sluice_canary_successes_total',
      help: 'Runs that were promoted',
      labelNames: names,
    }),
    failures: new Counter({
      registers,
      name: 'sluice_canary_failures_total',
      help: 'Runs that were taken back',
      labelNames: names,
    }),
  }
}

export function createMetrics(registry: Registry): ControllerMetrics {
  const {
    status,
    weight,
    duration,
    successes,
    failures,
    analysis,
    reconcile,
    verdicts: judged,
  } = createSeries(registry)
  /** Labels of the verdicts of each Canary: they go when it goes. */
  const shown = new Map<string, Map<string, VerdictLabels>>()
  const removeVerdicts = ({ state, ...labels }: VerdictLabels): void => {
    judged.remove({ ...labels, state })
    analysis.remove(labels)
  }
  /** What the gauges of each Canary say: most passes leave them as they are. */
  const said = new Map<string, string>()
  const lists: (() => readonly Canary[])[] = []
  createStalledGauge(registry, () => lists.flatMap((list) => list()))
  const labelsOf = ({ metadata }: Canary) => ({ name: metadata.name, namespace: metadata.namespace ?? '' })

  return {
    show: (canaries) => void lists.push(canaries),
    observe(canary, state, traffic) {
      const { namespace, name } = labelsOf(canary)
      const workload = canary.spec.targetRef.name
      const saying = [workload, statusNumber(state), traffic?.canary ?? 0, traffic?.primary ?? 100].join()
      if (said.get(`${namespace}/${name}`) === saying) return
      said.set(`${namespace}/${name}`, saying)
      status.set(labelsOf(canary), statusNumber(state))
      weight.set({ workload, namespace }, traffic?.canary ?? 0)
      weight.set({ workload: `${workload}-primary`, namespace }, traffic?.primary ?? 100)
      // A counter that is not there before its first event hides it from increase().
      for (const counter of [successes, failures]) counter.inc(labelsOf(canary), 0)
    },
    verdicts(canary, verdicts) {
      for (const { metric, value, state } of verdicts) {
        const labels = { ...labelsOf(canary), metric }
        const key = `${labels.namespace}/${labels.name}`
        findOrMake(shown, key, () => new Map<string, VerdictLabels>()).set(`${metric}/${state}`, { ...labels, state })
        judged.inc({ ...labels, state })
        if (value !== undefined) analysis.set(labels, value)
      }
    },
    ended(canary, { run }) {
      if (run?.endedAt === undefined) return
      duration.observe(labelsOf(canary), (run.endedAt - run.startedAt) / 1_000)
      if (run.outcome === 'Succeeded') successes.inc(labelsOf(canary))
      if (run.outcome === 'Failed') failures.inc(labelsOf(canary))
    },
    reconciled: (seconds, result) => reconcile.observe({ result }, seconds),
    forget({ namespace, name, target }) {
      said.delete(`${namespace}/${name}`)
      for (const metric of [status, duration, successes, failures]) metric.remove({ name, namespace })
      for (const labels of shown.get(`${namespace}/${name}`)?.values() ?? []) removeVerdicts(labels)
      shown.delete(`${namespace}/${name}`)
      if (target === undefined) return
      for (const workload of [target, `${target}-primary`]) weight.remove({ workload, namespace })
    },
  }
}

function statusNumber({ phase }: ReleaseState): number {
  if (phase === 'Failed') return STATUS.failed
  return phase === 'Initialized' || phase === 'Succeeded' ? STATUS.done : STATUS.progressing
}
