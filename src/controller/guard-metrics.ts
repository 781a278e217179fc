import { Counter, Gauge, type Registry } from 'prom-client'

export interface GuardMetrics {
  answered(result: 'ok' | 'error'): void
  suspected(): void
  round(releases: number): void
}

/** What the guard does; `nowMs` is the wall clock. */
export function createGuardMetrics(registry: Registry, nowMs: () => number): GuardMetrics {
  const registers = [registry]
  const queries = new Counter({
    registers,
    name: 'sluice_guard_queries_total',
    help: 'Queries that read built-in metrics of releases in progress between their checks',
    labelNames: ['result'],
  })
  const suspicions = new Counter({
    registers,
    name: 'sluice_guard_suspicions_total',
    help: 'Readings that had a release measured before its check was due',
  })
  const watched = new Gauge({
    registers,
    name: 'sluice_guard_watched_canaries',
    help: 'Releases that the last round read',
  })
  let answeredAtMs: number | undefined
  new Gauge({
    registers,
    name: 'sluice_guard_last_answer_age_seconds',
    help: 'Time since the last answer of a metric server to the guard, while it watches anything',
    collect() {
      this.reset()
      if (answeredAtMs !== undefined) this.set((nowMs() - answeredAtMs) / 1_000)
    },
  })
  return {
    answered(result) {
      queries.inc({ result })
      if (result === 'ok') answeredAtMs = nowMs()
    },
    suspected: () => suspicions.inc(),
    round(releases) {
      watched.set(releases)
      if (releases === 0) answeredAtMs = undefined
    },
  }
}
