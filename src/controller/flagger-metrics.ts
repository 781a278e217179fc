import { Counter, Gauge, type Registry } from 'prom-client'
import type { ControllerMetrics } from './metrics.ts'

const NAMES = ['name', 'namespace'] as const
const STATUS = { progressing: 0, done: 1, failed: 2 } as const

/** The series of Flagger that its dashboards read, under its names: `name` is that of the workload. */
export function createFlaggerMetrics(registry: Registry): ControllerMetrics {
  const { info, status, weight, analysis, ...ends } = createSeries(registry)
  info.set({ version: 'sluice', mesh_provider: 'istio' }, 1)
  return {
    show: () => {},
    observe({ metadata, spec }, { phase }, traffic) {
      const { namespace = '' } = metadata
      const workload = spec.targetRef.name
      status.set({ name: workload, namespace }, statusNumber(phase))
      weight.set({ workload, namespace }, traffic?.canary ?? 0)
      weight.set({ workload: `${workload}-primary`, namespace }, traffic?.primary ?? 100)
    },
    verdicts({ metadata: { namespace = '' }, spec }, verdicts) {
      for (const { metric, value } of verdicts) {
        if (value !== undefined) analysis.set({ name: spec.targetRef.name, namespace, metric }, value)
      }
    },
    ended({ metadata: { namespace = '' }, spec }, { run }) {
      const labels = {
        name: spec.targetRef.name,
        namespace,
        deployment_strategy: strategyOf(spec.analysis),
        analysis_status: spec.skipAnalysis ? 'skipped' : 'completed',
      }
      if (run?.outcome === 'Succeeded') ends.successes.inc(labels)
      if (run?.outcome === 'Failed') ends.failures.inc(labels)
    },
    reconciled: () => {},
    forget({ namespace, target }) {
      if (target === undefined) return
      status.remove({ name: target, namespace })
      for (const workload of [target, `${target}-primary`]) weight.remove({ workload, namespace })
    },
  }
}

function createSeries(registry: Registry) {
  const registers = [registry]
  const ended = [...NAMES, 'deployment_strategy', 'analysis_status'] as const
  const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Gauge({ registers, name, help, labelNames })
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Counter({ registers, name, help, labelNames })
  return {
    info: gauge('flagger_info', 'Whose series these are', ['version', 'mesh_provider']),
    status: gauge('flagger_canary_status', '0 in progress, 1 successful, 2 failed', NAMES),
    weight: gauge('flagger_canary_weight', 'Percentage of the requests of a workload', ['workload', 'namespace']),
    analysis: gauge('flagger_canary_metric_analysis', 'Last value of a metric', [...NAMES, 'metric']),
    successes: counter('flagger_canary_successes_total', 'Promoted releases', ended),
    failures: counter('flagger_canary_failures_total', 'Releases that were taken back', ended),
  }
}

/** Flagger's numbers: everything that has not failed and does not progress is 1. */
function statusNumber(phase: string): number {
  if (phase === 'Failed') return STATUS.failed
  return phase === 'Progressing' ? STATUS.progressing : STATUS.done
}

function strategyOf({ iterations, match }: { readonly iterations?: unknown; readonly match?: unknown }): string {
  if (iterations === undefined) return 'canary'
  return match === undefined ? 'blue_green' : 'ab_testing'
}

/** Tells several at once. */
export function combineMetrics(all: readonly ControllerMetrics[]): ControllerMetrics {
  return {
    show: (...said) => all.forEach((each) => void each.show(...said)),
    observe: (...said) => all.forEach((each) => void each.observe(...said)),
    verdicts: (...said) => all.forEach((each) => void each.verdicts(...said)),
    ended: (...said) => all.forEach((each) => void each.ended(...said)),
    reconciled: (...said) => all.forEach((each) => void each.reconciled(...said)),
    forget: (...said) => all.forEach((each) => void each.forget(...said)),
  }
}
