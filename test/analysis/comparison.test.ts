import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Check, createAnalyst, type MeasureRequest } from '../../src/analysis/index.ts'
import { type CanarySpec, type MetricMemory, metricSchema } from '../../src/api/index.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'
import { type RunningPrometheus, startPrometheus } from '../support/prometheus.ts'
import { type Counter, durations, EPOCH, requests } from './mesh-history.ts'

const analyst = createAnalyst({ clock: systemClock, log: silentLogger })
let prometheus: RunningPrometheus

/** A pod of each version with its requests a second, failed ones apart. */
function versions(namespace: string, canary: readonly [number, number], primary: readonly [number, number]) {
  const counters = ([good, failed]: readonly [number, number], workload: string, service: string): readonly Counter[] =>
    [
      { rate: good, response_code: '200' },
      { rate: failed, response_code: '503' },
    ].map(({ rate, response_code }) => ({
      pod: `${workload}-1`,
      labels: { response_code, destination_workload: workload, destination_service_name: service },
      at: (second) => rate * second,
    }))
  return requests(namespace, [
    ...counters(canary, 'web', 'web-canary'),
    ...counters(primary, 'web-primary', 'web-primary'),
  ])
}

beforeAll(async () => {
  prometheus = await startPrometheus({
    history: [
      ...versions('broken', [15, 5], [80, 0]),
      ...versions('healthy', [20, 0], [80, 0]),
      ...versions('askew', [50, 0], [50, 0]),
      ...versions('alone', [20, 0], [0, 0]),
      ...durations('slow', 'web-1', { '25': 10, '250': 0, '500': 10, '+Inf': 0 }),
      ...durations('slow', 'web-primary-1', { '25': 80, '250': 0, '500': 0, '+Inf': 0 }).map((series) => ({
        ...series,
        labels: { ...series.labels, destination_workload: 'web-primary' },
      })),
    ],
  })
})
afterAll(() => prometheus.stop())

type Settings = NonNullable<CanarySpec['analysis']['metrics']>[number]

const metric = (over: object = {}): Settings =>
  metricSchema.parse({ name: 'request-success-rate', interval: '10s', comparison: {}, ...over })

/** Checks of one step, each `everySeconds` after the last, each with the memory of the one before. */
async function checkInTurn(
  namespace: string,
  settings: Settings,
  ends: readonly number[],
  over: Partial<MeasureRequest> = {},
) {
  const verdicts = []
  let memory: MetricMemory | undefined
  for (const end of ends) {
    const check: Check = { metric: settings, memory }
    const request: MeasureRequest = {
      subject: { canary: 'web', namespace, target: 'web', primary: 'web-primary', service: 'web' },
      checks: [check],
      window: { startMs: (EPOCH + 30) * 1_000, endMs: (EPOCH + end) * 1_000 },
      canaryShare: 0.2,
      metricsServer: prometheus.address,
      ...over,
    }
    const [verdict] = await analyst.measure(request, AbortSignal.timeout(120_000))
    memory = verdict?.memory
    verdicts.push(verdict)
  }
  return verdicts
}

test('a version that fails more than its primary is taken back when the evidence suffices', async () => {
  const verdicts = await checkInTurn('broken', metric(), [36, 42, 48])
  expect(verdicts.map((verdict) => [verdict?.state, verdict?.decision, verdict?.rule])).toEqual([
    ['inconclusive', 'hold', 'comparison.alpha'],
    ['inconclusive', 'hold', 'comparison.alpha'],
    ['failed', 'rollback', 'comparison.alpha'],
  ])
  expect(verdicts.at(-1)).toMatchObject({
    comparison: {
      windowStart: '2026-01-01T00:00:42.000Z',
      windowEnd: '2026-01-01T00:00:48.000Z',
      canary: { requests: 120, failures: 30 },
      primary: { requests: 480, failures: 0 },
      logEValueLimit: Math.log(20),
    },
    message: expect.stringMatching(
      /^85 of 340 \(25%\) failed, 0 of 1360 \(0%\) of the primary: worse than 1.25 times the primary's share plus 0.2%/,
    ),
  })
})

test('a healthy one passes, and every request is counted once however the checks are cut', async () => {
  const often = await checkInTurn('healthy', metric(), [36, 42, 43, 60])
  const once = await checkInTurn('healthy', metric(), [60])
  const counts = (verdicts: typeof often) => {
    const evidence = verdicts.at(-1)?.memory?.evidence
    return { canary: evidence?.canary, primary: evidence?.primary, lastWindowEnd: evidence?.lastWindowEnd }
  }
  expect(often.map((verdict) => verdict?.decision)).toEqual(['pass', 'pass', 'pass', 'pass'])
  expect(counts(often)).toEqual(counts(once))
})

test('a check that is repeated after a crash counts nothing twice', async () => {
  const [first] = await checkInTurn('healthy', metric(), [42])
  const [, again] = await checkInTurn('healthy', metric(), [42, 42])
  expect(again?.memory?.evidence).toEqual(first?.memory?.evidence)
})

test('too few requests are inconclusive, until the policy decides', async () => {
  const settings = metric({ comparison: { minRequests: 5_000, maxExtension: '20s', inconclusive: 'pass' } })
  const verdicts = await checkInTurn('healthy', settings, [40, 60])
  expect(verdicts.map((verdict) => [verdict?.state, verdict?.decision, verdict?.rule])).toEqual([
    ['inconclusive', 'hold', 'comparison.minRequests'],
    ['inconclusive', 'pass', 'comparison.maxExtension'],
  ])
})

test('requests that are not split as the route says are no evidence', async () => {
  const [verdict] = await checkInTurn('askew', metric(), [42])
  expect(verdict).toMatchObject({
    state: 'inconclusive',
    decision: 'hold',
    rule: 'comparison.sampleRatio',
    message: expect.stringContaining('the new version got 50% of the requests where the route gives it 20%'),
  })
  expect(verdict?.memory?.evidence).toMatchObject({ windows: 0, lastWindowEnd: '2026-01-01T00:00:42.000Z' })
  const [ignored] = await checkInTurn('askew', metric({ comparison: { sampleRatio: 'ignore' } }), [42])
  expect(ignored?.decision).toBe('pass')
})

test('without a primary there is nothing to compare with', async () => {
  const [verdict] = await checkInTurn('alone', metric(), [42], { canaryShare: 1 })
  expect(verdict).toMatchObject({ decision: 'hold', rule: 'comparison.minRequests' })
})

test('without requests there is no verdict', async () => {
  const [verdict] = await checkInTurn('nowhere', metric(), [42])
  expect(verdict).toMatchObject({ state: 'no-data', decision: 'hold' })
})

test('slow requests are compared by the bucket that holds the limit', async () => {
  const settings = metric({ name: 'request-duration', comparison: { slowerThan: '200ms' } })
  const verdicts = await checkInTurn('slow', settings, [40, 46, 52])
  expect(verdicts.at(-1)).toMatchObject({
    decision: 'rollback',
    comparison: { canary: { requests: 120, failures: 60 }, primary: { requests: 480, failures: 0 } },
    message: expect.stringContaining('took longer than 250 ms'),
  })
  const tooHigh = metric({ name: 'request-duration', comparison: { slowerThan: '30s' } })
  const [refused] = await checkInTurn('slow', tooHigh, [40])
  expect(refused).toMatchObject({
    state: 'query-error',
    message: 'comparison.slowerThan: the histogram has no bucket that reaches 30s',
  })
})

test('above its ceiling a version is taken back at once, whatever else is asked', async () => {
  const limited = metric({ comparison: undefined, limits: { errorShare: 0.1 } })
  const [verdict] = await checkInTurn('broken', limited, [36])
  expect(verdict).toMatchObject({
    state: 'failed',
    decision: 'rollback',
    rule: 'limits.errorShare',
    message: '25 of 100 requests failed: certainly more than 10%',
  })
  const [below] = await checkInTurn('broken', metric({ comparison: undefined, limits: { errorShare: 0.25 } }), [36])
  expect(below).toMatchObject({ state: 'passed', decision: 'pass' })
})

test('a dry run reports the same, and decides nothing', async () => {
  const [verdict] = await checkInTurn(
    'broken',
    metric({ comparison: undefined, thresholdRange: { min: 99 }, dryRun: true }),
    [36],
  )
  expect(verdict).toMatchObject({ state: 'failed', decision: 'none', value: 75 })
})
