import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPrometheusProvider } from '../../../src/analysis/providers/prometheus.ts'
import type { MetricProviderSpec } from '../../../src/api/index.ts'
import { systemClock } from '../../../src/runtime/index.ts'
import { answer, startServer } from '../../support/http-server.ts'
import { type RunningPrometheus, startPrometheus } from '../../support/prometheus.ts'
import { at, TOKEN, WINDOW } from './dialects/dialect.ts'

let prometheus: RunningPrometheus
beforeAll(async () => {
  const points = [10, 20, 30].map((second) => [at(second), second] as const)
  prometheus = await startPrometheus({ history: [{ name: 'gone', labels: { pod: 'a' }, points }] })
})
afterAll(() => prometheus.stop())

const providerWith = (provider: Partial<MetricProviderSpec>, secret: Readonly<Record<string, string>> = {}) =>
  createPrometheusProvider({
    provider: { type: 'prometheus', ...provider },
    metricsServer: prometheus.address,
    secret,
    clock: systemClock,
    environment: {},
  })

const patience = () => AbortSignal.timeout(120_000)

test('a real Prometheus is asked at the end of the window', async () => {
  const answered = await providerWith({}).newest('sum(last_over_time(gone[1m]))', WINDOW, patience())
  expect(answered).toEqual({ kind: 'samples', samples: [{ labels: {}, value: 30 }] })
})

test('a range finds the newest point that a query has in the window', async () => {
  const query = 'sum(last_over_time(gone[5s]))'
  expect(await providerWith({}).newest(query, WINDOW, patience())).toEqual({ kind: 'samples', samples: [] })
  const answered = await providerWith({ range: { step: '1s' } }).newest(query, WINDOW, patience())
  expect(answered).toEqual({ kind: 'samples', samples: [{ labels: {}, value: 30 }] })
})

test('a range of a range is refused by the real one, with its reason', async () => {
  const answered = await providerWith({ range: { step: '10s' } }).newest('gone[1m]', WINDOW, patience())
  expect(answered).toEqual({ kind: 'query-error', message: expect.stringMatching(/HTTP 400 bad_data: .*range/) })
})

test.each(['0s', '999ms', 'soon'])('a step of %s is refused', async (step) => {
  const answered = await providerWith({ range: { step } }).newest('up', WINDOW, patience())
  expect(answered).toMatchObject({ message: expect.stringContaining('provider.range.step must be at least 1s') })
})

const empty = '{"status":"success","data":{"resultType":"vector","result":[]}}'

test.each([
  ['/prometheus', '/prometheus/api/v1/query'],
  ['/select/0/prometheus/', '/select/0/prometheus/api/v1/query'],
  ['', '/api/v1/query'],
])('the path of the address comes first: "%s"', async (prefix, path) => {
  await using server = await startServer(answer(200, {}, empty))
  await providerWith({ address: `${server.url}${prefix}` }).newest('up', WINDOW, patience())
  expect(server.requests.map((request) => request.path)).toEqual([path])
})

test('credentials of the address are sent, and those of the Secret before them', async () => {
  await using server = await startServer(answer(200, {}, empty))
  const address = `http://us%40er:50%-off@127.0.0.1:${server.port}`
  await providerWith({ address }).newest('up', WINDOW, patience())
  await providerWith({ address }, { token: TOKEN }).newest('up', WINDOW, patience())
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
    `Basic ${Buffer.from('us@er:50%-off').toString('base64')}`,
    `Bearer ${TOKEN}`,
  ])
})

test('a header of the template is no place for credentials', async () => {
  const answered = await providerWith({ headers: { Authorization: ['Bearer x'] } }).newest('up', WINDOW, patience())
  expect(answered).toMatchObject({
    kind: 'query-error',
    message: expect.stringContaining('provider.headers must not hold authorization'),
  })
})

test('a password that the server repeats is not passed on', async () => {
  const told = JSON.stringify({ status: 'error', errorType: 'bad_data', error: `no tenant ${TOKEN}` })
  await using server = await startServer(answer(400, {}, told))
  const address = `http://user:${TOKEN}@127.0.0.1:${server.port}`
  const answered = await providerWith({ address }).newest('up', WINDOW, patience())
  expect(answered).toMatchObject({ message: expect.stringContaining('HTTP 400 bad_data: no tenant ***') })
})
