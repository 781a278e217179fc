import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Check, createAnalyst, type MeasureRequest } from '../../src/analysis/index.ts'
import type { MetricTemplate } from '../../src/api/index.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'
import { type RunningPrometheus, startPrometheus } from '../support/prometheus.ts'
import { durations, EPOCH, requests, WINDOW } from './mesh-history.ts'

const template = (query: string, address?: string): MetricTemplate => ({
  apiVersion: 'sluice.dev/v1',
  kind: 'MetricTemplate',
  metadata: { name: 'my-template', namespace: 'default' },
  spec: { provider: { type: 'prometheus', address }, query },
})

const custom = (query: string, over: Partial<Check['metric']> = {}): Check => ({
  metric: { name: 'mine', thresholdRange: { max: 10 }, templateRef: { name: 'my-template' }, ...over },
  template: template(query),
})

const duration = (over: Partial<Check['metric']> = {}): Check => ({
  metric: { name: 'request-duration', thresholdRange: { max: 500 }, ...over },
})

let prometheus: RunningPrometheus
const analyst = createAnalyst({ clock: systemClock, log: silentLogger })

const requestFor = (namespace: string, checks: readonly Check[]): MeasureRequest => ({
  subject: { canary: 'web', namespace, target: 'web', primary: 'web-primary', service: 'web' },
  checks,
  window: WINDOW,
  metricsServer: prometheus.address,
})

async function measureOne(namespace: string, check: Check, over: Partial<MeasureRequest> = {}) {
  const request = { ...requestFor(namespace, [check]), ...over }
  const [verdict, ...others] = await analyst.measure(request, AbortSignal.timeout(120_000))
  expect(others).toEqual([])
  return verdict
}

beforeAll(async () => {
  prometheus = await startPrometheus({
    history: [
      ...requests('fast', [{ pod: 'web-1', at: (second) => 10 * second }]),
      ...durations('fast', 'web-1', { '10': 0, '25': 40, '50': 60, '100': 0, '+Inf': 0 }),
      ...durations('slow', 'web-1', { '10': 0, '25': 10, '50': 20, '500': 0, '1000': 10, '+Inf': 0 }),
      ...durations('slow', 'web-2', { '10': 0, '25': 10, '50': 20, '500': 10, '1000': 10, '+Inf': 10 }),
    ],
  })
})
afterAll(() => prometheus.stop())

/** The settled window of histograms and templates. */
const settled = { windowStart: '2026-01-01T00:01:02.250Z', windowEnd: '2026-01-01T00:01:10.000Z' }

const passes = { rule: 'thresholdRange', decision: 'pass' }

describe('request-duration on a real Prometheus', () => {
  const series = (namespace: string) =>
    `istio_request_duration_milliseconds_bucket{reporter="destination",destination_workload_namespace="${namespace}",destination_workload="web"}`

  test('a fast version passes', async () => {
    expect(await measureOne('fast', duration())).toEqual({
      metric: 'request-duration',
      state: 'passed',
      value: expect.closeTo(49.58, 2),
      unit: 'milliseconds',
      thresholdRange: { max: 500 },
      query: `last_over_time(${series('fast')}[300s])`,
      ...settled,
      requests: 800,
      message: 'p99 latency 49.6 ms is at most 500 ms (800 requests)',
      ...passes,
    })
  })

  test('a slow one fails', async () => {
    expect(await measureOne('slow', duration())).toMatchObject({
      state: 'failed',
      value: 1_000,
      requests: 800,
      message: 'p99 latency 1000 ms is above 500 ms (800 requests)',
    })
  })

  test('the quantile is what histogram_quantile makes of the same increases', async () => {
    const increase = `${series('slow')} @ ${EPOCH + 70} - ${series('slow')} @ ${EPOCH + 62.25}`
    const query = (q: number) => `histogram_quantile(${q}, sum by (le) (${increase}))`
    const theirs = await measureOne('slow', custom(query(0.99), { thresholdRange: { max: 1e9 } }))
    expect(theirs?.value).toBe((await measureOne('slow', duration()))?.value)
  })

  test('no requests, no verdict', async () => {
    expect(await measureOne('nowhere', duration())).toMatchObject({
      state: 'no-data',
      requests: 0,
      message: 'p99 latency is unknown: no requests',
    })
  })

  test('the interval of the metric shortens the window', async () => {
    expect(await measureOne('fast', duration({ interval: '4s' }))).toMatchObject({
      windowStart: '2026-01-01T00:01:06.000Z',
      requests: 400,
    })
  })

  test('a window that the scrapes cannot settle in gives no verdict', async () => {
    const window = { startMs: WINDOW.endMs - 2_000, endMs: WINDOW.endMs }
    expect(await measureOne('fast', duration(), { window })).toMatchObject({
      state: 'no-data',
      query: '',
      message:
        'p99 latency is unknown: it ends 2000ms after the weight was acknowledged, and scrapes need 2250ms to settle',
    })
  })
})

describe('a template on a real Prometheus', () => {
  const rate =
    'sum(rate(istio_requests_total{destination_workload_namespace="{{ namespace }}",destination_workload="{{ target }}"}[{{ interval }}]))'

  test('its query is filled in, asked at the end of the window and judged', async () => {
    expect(await measureOne('fast', custom(rate))).toEqual({
      metric: 'mine',
      state: 'passed',
      value: expect.closeTo(10, 9),
      thresholdRange: { max: 10 },
      query:
        'sum(rate(istio_requests_total{destination_workload_namespace="fast",destination_workload="web"}[7750ms]))',
      ...settled,
      message: 'mine 10 is at most 10',
      ...passes,
    })
  })

  test.each([
    ['a failing value', custom('vector(10.5)'), { state: 'failed', value: 10.5, message: 'mine 10.5 is above 10' }],
    ['a scalar', custom('3'), { state: 'passed', value: 3 }],
    ['no series', custom('absent_metric'), { state: 'no-data', message: 'mine is unknown: the query found no series' }],
    ['not a number', custom('0 / 0'), { state: 'no-data', message: 'mine is NaN, which is no evidence' }],
    [
      'several series',
      custom('vector(1) or label_replace(vector(2), "a", "b", "", "")'),
      {
        state: 'query-error',
        message: 'the query of mine gives 2 series; aggregate them to one, with sum() or max()',
      },
    ],
    ['a range', custom('up[1m]'), { state: 'query-error', message: expect.stringContaining('gives a matrix') }],
    ['a string', custom('"text"'), { state: 'query-error', message: expect.stringContaining('gives a string') }],
    [
      'a query that does not parse',
      custom('sum('),
      { state: 'query-error', message: expect.stringMatching(/HTTP 400 bad_data: .*parse error/) },
    ],
    [
      'a variable that is missing',
      custom('{{ variables.limit }}'),
      {
        state: 'query-error',
        query: '',
        message:
          'MetricTemplate my-template: the query needs the variable limit: set it in templateVariables of the metric',
      },
    ],
    [
      'a server of its own that is down',
      { ...custom('1'), template: template('1', 'http://127.0.0.1:1') },
      { state: 'provider-down', message: expect.stringContaining('Prometheus at http://127.0.0.1:1: ') },
    ],
    [
      'a template that does not exist',
      { metric: custom('').metric },
      {
        state: 'query-error',
        message:
          'metric mine names the MetricTemplate my-template, which does not exist: create it or correct templateRef',
      },
    ],
    [
      'a metric that is neither built in nor a template',
      { metric: { name: 'mine', thresholdRange: { max: 1 } } },
      {
        state: 'query-error',
        message: 'metric mine is not built in (request-success-rate, request-duration): give it a templateRef',
      },
    ],
    [
      'a metric without a limit',
      duration({ thresholdRange: {} }),
      {
        state: 'query-error',
        message: 'metric request-duration has no limit: set thresholdRange.min or thresholdRange.max',
      },
    ],
  ])('%s', async (_, check, expected) => {
    const verdict = await measureOne('fast', check)
    expect(verdict).toMatchObject(expected)
    expect(verdict === undefined || 'value' in verdict).toBe('value' in expected)
  })
})

test('windows that follow each other miss no request and count none twice', async () => {
  const startMs = (EPOCH + 20) * 1_000
  const interval = '7500ms'
  const check: Check = { metric: { name: 'request-success-rate', thresholdRange: { min: 99 }, interval } }
  const counts: number[] = []
  for (const passed of [1, 2, 3, 4]) {
    const window = { startMs, endMs: startMs + passed * 7_500 }
    counts.push((await measureOne('fast', check, { window }))?.requests ?? Number.NaN)
  }
  expect(counts).toEqual([70, 70, 80, 70])
})

test('verdicts come in the order of the checks, and one that fails hides no other', async () => {
  const checks = [duration(), custom('sum('), custom('1')]
  const verdicts = await analyst.measure(requestFor('fast', checks), AbortSignal.timeout(120_000))
  expect(verdicts.map(({ state }) => state)).toEqual(['passed', 'query-error', 'passed'])
})

test('a Prometheus that fails at one end of the window gives no verdict', async () => {
  const failing = createServer(async (request, response) => {
    const form = new URLSearchParams((await request.toArray()).join(''))
    const isStart = Number(form.get('time')) < WINDOW.endMs / 1_000
    const body = { status: 'success', data: { resultType: 'vector', result: [] } }
    response.writeHead(isStart ? 503 : 200).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => failing.listen(0, '127.0.0.1', resolve))
  const address = failing.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const verdict = await measureOne('fast', duration(), { metricsServer: `http://127.0.0.1:${port}` })
  failing.close()
  expect(verdict).toMatchObject({ state: 'provider-down', message: expect.stringContaining('HTTP 503') })
})
