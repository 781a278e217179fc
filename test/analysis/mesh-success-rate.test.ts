import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAnalyst } from '../../src/analysis/index.ts'
import type { MetricVerdict } from '../../src/api/index.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'
import { type RunningPrometheus, startPrometheus } from '../support/prometheus.ts'
import { type Counter, requests, WINDOW } from './mesh-history.ts'

const source = { reporter: 'source', response_code: '503' }

interface Row {
  readonly sentence: string
  readonly counters: readonly Counter[]
  readonly expected: Pick<MetricVerdict, 'state' | 'message' | 'value' | 'requests' | 'errors'>
}

const passing = (total: number): Row['expected'] => ({
  state: 'passed',
  value: 100,
  requests: total,
  errors: 0,
  message: `success rate 100% is at least 99% (0 of ${total} requests failed)`,
})

// Ten requests a second are 90 in the window: the scrape at 60.3 is the base, that at 69.3 the end.
const rows: readonly Row[] = [
  {
    sentence: 'a healthy version passes',
    counters: [{ pod: 'web-1', at: (second) => 10 * second }],
    expected: passing(90),
  },
  {
    sentence: 'failures are named with their number',
    counters: [
      { pod: 'web-1', at: (second) => 5 * second },
      { pod: 'web-2', at: (second) => second },
      { pod: 'web-2', labels: { response_code: '503' }, at: (second) => 2 * second },
      { pod: 'web-2', labels: { response_code: '404' }, at: (second) => 2 * second },
    ],
    expected: {
      state: 'failed',
      value: 80,
      requests: 90,
      errors: 18,
      message: 'success rate 80% is below 99% (18 of 90 requests failed)',
    },
  },
  {
    sentence: 'a value just under the limit does not read like the limit',
    counters: [
      { pod: 'web-1', at: (second) => 10_990 * second },
      { pod: 'web-1', labels: { response_code: '500' }, at: (second) => 112 * second },
    ],
    expected: {
      state: 'failed',
      value: (100 * 10_990) / 11_102,
      requests: 99_918,
      errors: 1_008,
      message: 'success rate 98.99% is below 99% (1008 of 99918 requests failed)',
    },
  },
  {
    sentence: 'errors of a pod that left before the window do not count',
    counters: [
      { pod: 'web-old', labels: { response_code: '500' }, at: (second) => 50 * second, life: [0, 59] },
      { pod: 'web-new', at: (second) => 10 * (second - 58), life: [58, 90] },
    ],
    expected: passing(90),
  },
  {
    sentence: 'errors before the window do not count, though their series live on',
    counters: [
      { pod: 'web-1', at: (second) => 10 * second },
      { pod: 'web-1', labels: { response_code: '500' }, at: () => 400 },
      { pod: 'client', labels: { ...source, response_flags: 'UF,URX' }, at: () => 300 },
    ],
    expected: passing(90),
  },
  {
    sentence: 'errors after the window do not count',
    counters: [
      { pod: 'web-1', at: (second) => 10 * second },
      { pod: 'web-1', labels: { response_code: '500' }, at: (second) => second, life: [70, 90] },
    ],
    expected: passing(90),
  },
  {
    sentence: 'a pod that began inside the window counts from 0',
    counters: [{ pod: 'web-1', at: (second) => 7 + 10 * (second - 64), life: [64, 90] }],
    expected: passing(57),
  },
  {
    sentence: 'a first error series of an old pod counts from 0',
    counters: [
      { pod: 'web-1', at: (second) => 10 * second },
      { pod: 'web-1', labels: { response_code: '500' }, at: () => 10, life: [66, 90] },
    ],
    expected: {
      state: 'failed',
      value: 90,
      requests: 100,
      errors: 10,
      message: 'success rate 90% is below 99% (10 of 100 requests failed)',
    },
  },
  {
    sentence: 'a pod that died inside the window still testifies',
    counters: [
      { pod: 'web-1', at: (second) => 10 * second },
      { pod: 'web-2', labels: { response_code: '500' }, at: (second) => 2 * second, life: [0, 65] },
    ],
    expected: {
      state: 'failed',
      value: 90,
      requests: 100,
      errors: 10,
      message: 'success rate 90% is below 99% (10 of 100 requests failed)',
    },
  },
  {
    sentence: 'after a counter reset, what it shows is new',
    counters: [{ pod: 'web-1', at: (second) => (second < 65 ? 10 * second : 10 * (second - 65)) }],
    expected: passing(40),
  },
  {
    sentence: 'missed scrapes at both ends only move the ends',
    counters: [{ pod: 'web-1', at: (second) => 10 * second, missed: [60, 68, 69] }],
    expected: passing(80),
  },
  {
    sentence: 'callers are believed while nobody has read the pods, retries or not',
    counters: [
      { pod: 'client', labels: { reporter: 'source' }, at: (second) => 5 * second },
      { pod: 'client', labels: { reporter: 'source', response_code: '500' }, at: (second) => 4 * second },
      { pod: 'client', labels: { ...source, response_flags: 'UF,URX' }, at: (second) => second },
    ],
    expected: {
      state: 'failed',
      value: 50,
      requests: 90,
      errors: 45,
      message: 'success rate 50% is below 99% (45 of 90 requests failed, 9 of them never reached a pod)',
    },
  },
  {
    sentence: 'pods are believed where they count more: attempts that callers do not see, or callers without a proxy',
    counters: [
      { pod: 'client', labels: { reporter: 'source' }, at: (second) => 8 * second },
      { pod: 'web-1', at: (second) => 8 * second },
      { pod: 'web-1', labels: { response_code: '503' }, at: (second) => 2 * second },
    ],
    expected: {
      state: 'failed',
      value: 80,
      requests: 90,
      errors: 18,
      message: 'success rate 80% is below 99% (18 of 90 requests failed)',
    },
  },
  {
    sentence: 'a dead version shows at its callers only: no healthy host, known by the Service',
    counters: [
      {
        pod: 'client',
        labels: { ...source, response_flags: 'UH', destination_workload: 'unknown' },
        at: (second) => second,
      },
      { pod: 'client', labels: { ...source, response_flags: 'UF,URX' }, at: (second) => second },
    ],
    expected: {
      state: 'failed',
      value: 0,
      requests: 18,
      errors: 18,
      message: 'success rate 0% is below 99% (18 of 18 requests failed, 18 of them never reached a pod)',
    },
  },
  {
    sentence: 'a request that both sides saw break is one failure',
    counters: [
      { pod: 'web-1', at: (second) => 9 * second },
      { pod: 'web-1', labels: { response_code: '0', response_flags: 'DC' }, at: (second) => second },
      { pod: 'client', labels: { ...source, response_code: '504', response_flags: 'UT' }, at: (second) => second },
    ],
    expected: {
      state: 'failed',
      value: 90,
      requests: 90,
      errors: 9,
      message: 'success rate 90% is below 99% (9 of 90 requests failed)',
    },
  },
  {
    sentence: 'a request that only its caller saw break is a failure too',
    counters: [
      { pod: 'web-1', at: (second) => 9 * second },
      { pod: 'client', labels: { ...source, response_code: '504', response_flags: 'UT' }, at: (second) => second },
    ],
    expected: {
      state: 'failed',
      value: 90,
      requests: 90,
      errors: 9,
      message: 'success rate 90% is below 99% (9 of 90 requests failed, 9 of them never reached a pod)',
    },
  },
  {
    sentence: 'an error that the pod answered is not counted again at its caller',
    counters: [
      { pod: 'web-1', at: (second) => 9 * second },
      { pod: 'web-1', labels: { response_code: '503' }, at: (second) => second },
      { pod: 'client', labels: source, at: (second) => second },
      { pod: 'client', labels: { ...source, response_flags: 'URX' }, at: (second) => second },
    ],
    expected: {
      state: 'failed',
      value: 90,
      requests: 90,
      errors: 9,
      message: 'success rate 90% is below 99% (9 of 90 requests failed)',
    },
  },
  {
    sentence: 'the primary and other services do not count',
    counters: [
      { pod: 'web-1', at: (second) => 10 * second },
      {
        pod: 'web-primary-1',
        labels: { destination_workload: 'web-primary', response_code: '500' },
        at: (second) => second,
      },
      {
        pod: 'client',
        labels: {
          ...source,
          response_flags: 'UH',
          destination_workload: 'unknown',
          destination_service_name: 'web-primary',
        },
        at: (second) => second,
      },
    ],
    expected: passing(90),
  },
  {
    sentence: 'without requests there is no verdict',
    counters: [{ pod: 'web-1', at: () => 1_000 }],
    expected: { state: 'no-data', requests: 0, errors: 0, message: 'success rate is unknown: no requests' },
  },
  {
    sentence: 'without series there is no verdict',
    counters: [],
    expected: { state: 'no-data', requests: 0, errors: 0, message: 'success rate is unknown: no requests' },
  },
]

const decisions: Readonly<Record<string, object>> = {
  passed: { decision: 'pass', rule: 'thresholdRange' },
  failed: { decision: 'fail', rule: 'thresholdRange' },
  'no-data': { decision: 'hold', rule: 'onNoData' },
}

const namespaceOf = (row: Row): string => `case-${rows.indexOf(row)}`

describe('request-success-rate on a real Prometheus', () => {
  let prometheus: RunningPrometheus
  const analyst = createAnalyst({ clock: systemClock, log: silentLogger })

  beforeAll(async () => {
    const history = rows.flatMap((row) => requests(namespaceOf(row), row.counters))
    prometheus = await startPrometheus({ history })
  })
  afterAll(() => prometheus.stop())

  test.each(rows)('$sentence', async (row) => {
    const [verdict] = await analyst.measure(
      {
        subject: {
          canary: 'web',
          namespace: namespaceOf(row),
          target: 'web',
          primary: 'web-primary',
          service: 'web',
        },
        checks: [{ metric: { name: 'request-success-rate', thresholdRange: { min: 99 } } }],
        window: WINDOW,
        metricsServer: prometheus.address,
      },
      AbortSignal.timeout(120_000),
    )
    expect(verdict).toEqual({
      metric: 'request-success-rate',
      unit: 'percent',
      thresholdRange: { min: 99 },
      query: expect.stringContaining(`destination_workload_namespace="${namespaceOf(row)}"`),
      windowStart: '2026-01-01T00:01:01.250Z',
      windowEnd: '2026-01-01T00:01:10.000Z',
      ...decisions[row.expected.state],
      ...row.expected,
    })
  })
})
