import type { CanaryRun, MetricVerdict } from '../../src/api/index.ts'

export const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()

/** A check of ten seconds: requests and failures of both versions. */
export function verdict(
  second: number,
  canary: readonly [number, number],
  primary: readonly [number, number],
): MetricVerdict {
  const times = { windowStart: at(second - 10), windowEnd: at(second) }
  const [requests, errors] = canary
  const armOf = ([all, failures]: readonly [number, number]) => ({ requests: all, failures })
  return {
    metric: 'request-success-rate',
    state: 'passed',
    decision: 'pass',
    value: 100 * (1 - errors / requests),
    unit: 'percent',
    thresholdRange: { min: 90 },
    query: 'q',
    ...times,
    requests,
    errors,
    comparison: {
      ...times,
      canary: armOf(canary),
      primary: armOf(primary),
      logEValue: 0,
      logEValueLimit: 3,
      logSafety: 0,
    },
    message: 'it passed',
  }
}

/** A run of one step of weight 20 that was promoted. */
export function runOf(verdicts: readonly MetricVerdict[]): CanaryRun {
  const step = { kind: 'weight' as const, weight: 20, mirrorWeight: 0, startedAt: at(0), programmedAt: at(0) }
  return {
    apiVersion: 'sluice.dev/v1',
    kind: 'CanaryRun',
    metadata: { name: 'web-3', namespace: 'default' },
    spec: { canary: 'web', revision: 'v2', images: ['web:2'], startedAt: at(0) },
    status: {
      phase: 'Succeeded',
      reason: 'Succeeded',
      message: 'v2 is promoted',
      steps: [{ ...step, outcome: 'passed', verdicts: [...verdicts] }],
    },
  }
}
