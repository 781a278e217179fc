import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { createAnalyst } from '../../src/analysis/index.ts'
import { parseMetricTemplate } from '../../src/api/index.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'
import { durations, requests, WINDOW } from '../analysis/mesh-history.ts'
import { type RunningPrometheus, startPrometheus } from '../support/prometheus.ts'

const folder = new URL('../../analysis-templates/', import.meta.url)

interface Row {
  readonly template: string
  readonly variables: Readonly<Record<string, string>>
  readonly thresholdRange: { readonly min?: number; readonly max?: number }
  /** Namespace -> what is found there. */
  readonly found: Readonly<Record<string, object>>
}

const rows: readonly Row[] = [
  {
    template: 'success-rate',
    variables: { failures: '5..|429|0' },
    thresholdRange: { min: 99 },
    found: {
      good: { state: 'passed', value: 100, message: 'success-rate 100 is at least 99' },
      bad: { state: 'failed', value: 75, message: 'success-rate 75 is below 99' },
      'first-error': { state: 'failed', value: expect.closeTo(98.77, 2) },
      'all-failed': { state: 'failed', value: 0 },
      restarted: { state: 'passed', value: 100 },
      idle: { state: 'no-data', message: 'success-rate is NaN, which is no evidence' },
      empty: { state: 'no-data', message: 'success-rate is unknown: the query found no series' },
    },
  },
  {
    template: 'latency-quantile',
    variables: { quantile: '0.5' },
    thresholdRange: { max: 100 },
    found: {
      good: { state: 'passed', value: 17.5, message: 'latency-quantile 17.5 is at most 100' },
      bad: { state: 'failed', value: 375, message: 'latency-quantile 375 is above 100' },
      empty: { state: 'no-data' },
    },
  },
  {
    template: 'slow-requests-share',
    variables: { limit: '250' },
    thresholdRange: { max: 1 },
    found: {
      good: { state: 'passed', value: 0, message: 'slow-requests-share 0 is at most 1' },
      bad: { state: 'failed', value: 60, message: 'slow-requests-share 60 is above 1' },
      empty: { state: 'no-data' },
    },
  },
]

const ok = { response_code: '200' }
const limited = { response_code: '429' }

const history = [
  ...requests('good', [
    { pod: 'web-1', labels: ok, at: (second) => 10 * second },
    { pod: 'web-1', labels: limited, at: () => 500 },
    { pod: 'web-old', labels: limited, at: (second) => 10 * second, life: [0, 55] },
  ]),
  ...requests('bad', [
    { pod: 'web-1', labels: ok, at: (second) => 3 * second },
    { pod: 'web-1', labels: limited, at: (second) => second },
  ]),
  ...requests('first-error', [
    { pod: 'web-1', labels: ok, at: (second) => 10 * second },
    { pod: 'web-1', labels: limited, at: () => 1, life: [66, 90] },
  ]),
  ...requests('all-failed', [{ pod: 'web-1', labels: limited, at: (second) => second, life: [64, 90] }]),
  ...requests('restarted', [
    { pod: 'web-1', labels: ok, at: (second) => 10 * second },
    { pod: 'web-1', labels: limited, at: (second) => (second < 65 ? 500 : 0) },
  ]),
  ...requests('idle', [{ pod: 'web-1', labels: ok, at: () => 500 }]),
  ...durations('good', 'web-1', { '10': 0, '25': 10, '50': 0, '250': 0, '500': 0, '+Inf': 0 }),
  ...durations('bad', 'web-1', { '10': 0, '25': 10, '50': 10, '250': 20, '500': 20, '+Inf': 40 }),
]

describe('analysis templates on a real Prometheus', () => {
  let prometheus: RunningPrometheus
  const analyst = createAnalyst({ clock: systemClock, log: silentLogger })

  beforeAll(async () => {
    prometheus = await startPrometheus({ history })
  })
  afterAll(() => prometheus.stop())

  const cases = rows.flatMap((row) =>
    Object.entries(row.found).map(([namespace, expected]) => ({ ...row, namespace, expected })),
  )

  test.each(cases)(
    '$template: $namespace',
    async ({ template: name, variables, thresholdRange, namespace, expected }) => {
      const template = parseMetricTemplate(parse(readFileSync(new URL(`${name}.yaml`, folder), 'utf8')))
      if (!template.ok) throw new Error(template.error)
      const metric = { name, thresholdRange, templateRef: { name }, templateVariables: variables }
      const [verdict] = await analyst.measure(
        {
          subject: { canary: 'web', namespace, target: 'web', primary: 'web-primary', service: 'web' },
          checks: [{ metric, template: template.value }],
          window: WINDOW,
          metricsServer: prometheus.address,
        },
        AbortSignal.timeout(10_000),
      )
      expect(verdict).toMatchObject(expected)
    },
  )
})

test('every template is run here', () => {
  expect(readdirSync(folder).toSorted()).toEqual(rows.map(({ template }) => `${template}.yaml`).toSorted())
})
