import { expect, test } from 'vitest'
import type { CanaryRun } from '../../src/api/index.ts'
import { explainRun } from '../../src/cli/explain-run.ts'

const arm = (requests: number, failures: number) => ({ requests, failures })

const run: CanaryRun = {
  apiVersion: 'sluice.dev/v1',
  kind: 'CanaryRun',
  metadata: { name: 'web-3', namespace: 'default' },
  spec: {
    canary: 'web',
    revision: 'v2',
    images: ['web:2'],
    previousImages: ['web:1'],
    startedAt: '2026-01-01T00:00:00.000Z',
  },
  status: {
    phase: 'Failed',
    reason: 'MetricFailed',
    message: '85 of 340 (25%) failed',
    steps: [
      {
        kind: 'mirror',
        weight: 0,
        mirrorWeight: 100,
        startedAt: '2026-01-01T00:00:01.000Z',
        outcome: 'superseded',
        verdicts: [],
      },
      {
        kind: 'weight',
        weight: 20,
        mirrorWeight: 0,
        startedAt: '2026-01-01T00:00:10.000Z',
        programmedAt: '2026-01-01T00:00:11.000Z',
        outcome: 'failed',
        verdicts: [
          {
            metric: 'request-success-rate',
            state: 'failed',
            thresholdRange: {},
            query: 'istio_requests_total',
            windowStart: '2026-01-01T00:00:12.000Z',
            windowEnd: '2026-01-01T00:00:22.000Z',
            comparison: {
              windowStart: '2026-01-01T00:00:16.000Z',
              windowEnd: '2026-01-01T00:00:22.000Z',
              canary: arm(120, 30),
              primary: arm(480, 0),
              logEValue: 3,
              logEValueLimit: Math.log(20),
              logSafety: -9,
            },
            rule: 'comparison.alpha',
            decision: 'rollback',
            message: '85 of 340 (25%) failed',
          },
        ],
      },
    ],
  },
}

test('every verdict is shown with its numbers, its window, its rule and its query', () => {
  expect(explainRun(run)).toBe(
    `Run web-3 of web:1 -> web:2 (v2): Failed
MetricFailed: 85 of 340 (25%) failed

100% mirrored: superseded (no proxy had it yet)
  no check was made

weight 20%: failed (proxies had it at 2026-01-01T00:00:11.000Z)
  request-success-rate: failed, rollback by comparison.alpha
    because  85 of 340 (25%) failed
    window   2026-01-01T00:00:12.000Z to 2026-01-01T00:00:22.000Z
    compared 30 of 120 requests with 0 of 480 of the primary, 2026-01-01T00:00:16.000Z to 2026-01-01T00:00:22.000Z
             evidence of harm in the run so far: e-value 20.1; 20 is proof
    query    istio_requests_total`,
  )
})

test('a run that has only begun says so', () => {
  const { status: _, ...begun } = run
  expect(explainRun(begun)).toBe('Run web-3 of web:1 -> web:2 (v2): begun')
})
