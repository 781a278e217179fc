import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Check,
  createAnalyst,
  createGuardReader,
  type GuardWatch,
  type MeasureRequest,
  type Suspicion,
} from '../../src/analysis/index.ts'
import { guardSettingsOf, type MetricMemory, metricSchema } from '../../src/api/index.ts'
import { type Clock, silentLogger, systemClock } from '../../src/runtime/index.ts'
import { eventually } from '../support/eventually.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { hang, startServer } from '../support/http-server.ts'
import { type RunningPrometheus, startPrometheus } from '../support/prometheus.ts'
import { type Counter, EPOCH, requests } from './mesh-history.ts'

let prometheus: RunningPrometheus

/** Lets what is under way on sockets go on. */
const turn = (): Promise<void> => delay(2)

/** Pods of `web`, with requests a second by response code; they begin at second 40. */
const version = (namespace: string, perSecond: Readonly<Record<string, number>>, labels = {}) =>
  requests(
    namespace,
    Object.entries(perSecond).map(
      ([code, rate]): Counter => ({
        pod: 'web-1',
        labels: { response_code: code, ...labels },
        at: (second) => rate * Math.max(0, second - 40),
      }),
    ),
  )

const primary = { destination_workload: 'web-primary', destination_service_name: 'web-primary' }
const dead = { reporter: 'source', response_flags: 'UF', destination_workload: 'unknown' }

beforeAll(async () => {
  prometheus = await startPrometheus({
    history: [
      ...version('half', { 200: 10, 500: 10 }),
      ...version('half', { 200: 80 }, primary),
      ...version('healthy', { 200: 20 }),
      ...version('healthy', { 200: 80 }, primary),
      ...version('dead', { 0: 20 }, dead),
      ...version('tenth', { 200: 18, 500: 2 }),
      ...version('tenth', { 200: 80 }, primary),
    ],
  })
})
afterAll(() => prometheus.stop())

const ranged = metricSchema.parse({ name: 'request-success-rate', thresholdRange: { min: 99 } })
const compared = metricSchema.parse({ name: 'request-success-rate', comparison: {} })
const settings = guardSettingsOf({})
const at = (second: number): number => (EPOCH + second) * 1_000

const subjectIn = (namespace: string) => ({
  canary: 'web',
  namespace,
  target: 'web',
  primary: 'web-primary',
  service: 'web',
})

const watchOf = (namespace: string, metric: Check['metric'], over: Partial<GuardWatch> = {}): GuardWatch => ({
  key: `${namespace}/web`,
  run: 'web-1',
  subject: subjectIn(namespace),
  checks: [{ metric }],
  settings,
  metricsServer: prometheus.address,
  sinceMs: at(30),
  programmedMs: at(40),
  ...over,
})

describe('a reading of all releases', () => {
  /** Reads at each of the seconds, and says what was suspected when. */
  async function readAt(seconds: readonly number[], watches: readonly GuardWatch[]) {
    let second = 0
    const clock: Clock = {
      now: () => at(second),
      monotonic: () => 0,
      // The pace is the test's; the time limit of a query stays what it is.
      sleep: (milliseconds, signal) => (milliseconds > 1_000 ? systemClock.sleep(milliseconds, signal) : turn()),
    }
    const answers: string[] = []
    const reader = createGuardReader({ clock, log: silentLogger, onAnswer: (result) => answers.push(result) })
    const seen: (readonly [number, Suspicion])[] = []
    for (second of seconds) {
      await reader.read(watches, (suspicion) => seen.push([second, suspicion]), AbortSignal.timeout(120_000))
    }
    return { seen, answers }
  }

  test('suspects those that certainly fail too much, within two readings, each with the time it shows in', async () => {
    const namespaces = ['half', 'healthy', 'dead', 'tenth', 'nowhere']
    const { seen, answers } = await readAt(
      [39, 41, 43],
      namespaces.map((namespace) => watchOf(namespace, ranged)),
    )
    // The scrape of second 41 is at 41.3: the reading before it has seen nothing but zeros.
    expect(seen).toEqual([
      [43, { key: 'dead/web', run: 'web-1', sinceMs: at(41) }],
      [43, { key: 'half/web', run: 'web-1', sinceMs: at(41) }],
    ])
    // One more for the base of those that are new.
    expect(answers).toEqual(['ok', 'ok', 'ok', 'ok'])
  })

  test('has a base in the past for what it reads for the first time, once that is settled', async () => {
    const { seen, answers } = await readAt([41, 45], [watchOf('half', ranged, { sinceMs: at(40) })])
    // Second 41 is too early: a scrape may still bring what happened before second 40.
    expect(seen).toEqual([[45, { key: 'half/web', run: 'web-1', sinceMs: at(41.25) }]])
    expect(answers).toEqual(['ok', 'ok'])
    const late = await readAt([55], [watchOf('half', ranged, { sinceMs: at(40) })])
    expect(late.seen).toEqual([[55, { key: 'half/web', run: 'web-1', sinceMs: at(45) }]])
  })

  test('suspects by the comparison what its window proves, and not what is recorded already', async () => {
    const memory = { ...emptyMemory, evidence: evidenceUntil(52) }
    const { seen } = await readAt(
      [42, 46, 50, 54, 58],
      [
        watchOf('half', compared),
        watchOf('healthy', compared),
        { ...watchOf('tenth', compared), key: 'recorded', checks: [{ metric: compared, memory }] },
      ],
    )
    expect(seen.map(([second, { key }]) => `${key} at ${second}`)).toEqual([
      'half/web at 46',
      'half/web at 50',
      'half/web at 54',
      'half/web at 58',
      'recorded at 58',
    ])
  })

  test('compares nothing before the weight is acknowledged, and a limit waits for no weight', async () => {
    const unacknowledged = { programmedMs: undefined }
    const { seen } = await readAt(
      [41, 43, 45],
      [watchOf('half', compared, unacknowledged), watchOf('dead', ranged, unacknowledged)],
    )
    expect(seen.map(([second, { key }]) => `${key} at ${second}`)).toEqual(['dead/web at 43', 'dead/web at 45'])
  })

  test('says nothing of another run, of dry runs and without an answer', async () => {
    const dryRun = { ...ranged, dryRun: true }
    const down = 'http://127.0.0.1:1'
    const { seen } = await readAt(
      [41, 43, 45],
      [
        watchOf('half', ranged, { key: 'young', sinceMs: at(44) }),
        watchOf('half', dryRun, { key: 'dry' }),
        watchOf('half', ranged, { key: 'down', metricsServer: down }),
      ],
    )
    expect(seen).toEqual([])
  })
})

test('a server that hangs holds up nobody else, and is not asked again meanwhile', async () => {
  const clock: Clock = {
    now: () => at(55),
    monotonic: () => 0,
    // Nothing here ends by a time limit.
    sleep: (milliseconds) => (milliseconds > 1_000 ? new Promise(() => {}) : turn()),
  }
  await using hanging = await startServer(hang)
  const reader = createGuardReader({ clock, log: silentLogger })
  const stop = new AbortController()
  const stuck = Array.from({ length: 5 }, (_, index) =>
    watchOf('nowhere', ranged, { key: `stuck-${index}`, metricsServer: `${hanging.url}/${index}` }),
  )
  const rounds: Promise<void>[] = []
  const suspectedOf = (namespace: string) =>
    new Promise<string>((resolve) => {
      const watches = [...stuck, watchOf(namespace, ranged)]
      rounds.push(reader.read(watches, ({ key }) => resolve(key), stop.signal))
    })
  expect(await suspectedOf('half')).toBe('half/web')
  // Each for its base and for its newest counters.
  await eventually(() => expect(hanging.requests).toHaveLength(10))
  expect(await suspectedOf('dead')).toBe('dead/web')
  expect(hanging.requests).toHaveLength(10)
  stop.abort()
  await Promise.all(rounds)
})

test('a thousand releases cost at most four queries a second', async () => {
  const empty = JSON.stringify({ status: 'success', data: { resultType: 'vector', result: [] } })
  const fake = createFakeClock()
  /** Questions between two pauses, each by the time at which the first of them could be sent. */
  const askedAt: number[] = []
  let pausedAt = Number.NaN
  const clock: Clock = {
    ...fake,
    sleep(milliseconds, signal) {
      if (milliseconds === 1_000) pausedAt = fake.now()
      return fake.sleep(milliseconds, signal)
    },
  }
  await using server = await startServer((response) => {
    askedAt.push(pausedAt)
    response.writeHead(200, { 'content-type': 'application/json' }).end(empty)
  })
  const slow = metricSchema.parse({ name: 'request-duration', comparison: { slowerThan: '500ms' } })
  const watches = Array.from({ length: 1_000 }, (_, index) => ({
    ...watchOf(`team-${index % 40}`, ranged, {
      key: `canary-${index}`,
      metricsServer: server.url,
      sinceMs: clock.now() - 60_000,
    }),
    checks: [{ metric: ranged }, { metric: slow }],
  }))
  const reader = createGuardReader({ clock, log: silentLogger })
  const stop = AbortSignal.timeout(60_000)
  let isRead = false
  const reading = Promise.resolve()
    .then(() => reader.read(watches, () => {}, stop))
    .then(() => reader.read(watches, () => {}, stop))
    .then(() => {
      isRead = true
    })
  while (!isRead) {
    await turn()
    await fake.advance(50)
  }
  await reading
  // Two metrics, 250 releases a query, two readings and the base of the first.
  expect(askedAt).toHaveLength(24)
  const withinASecond = askedAt.map((start) => askedAt.filter((time) => time >= start && time < start + 1_000).length)
  expect(Math.max(...withinASecond)).toBe(4)
})

const emptyMemory: MetricMemory = { metric: 'request-success-rate', failedChecks: 0, consecutiveFailedChecks: 0 }

function evidenceUntil(second: number): NonNullable<MetricMemory['evidence']> {
  const none = { requests: 0, failures: 0 }
  return {
    tolerance: 0.25,
    margin: 0.002,
    lastWindowEnd: new Date(at(second)).toISOString(),
    windows: 0,
    canary: none,
    primary: none,
    harm: [0, 0, 0, 0, 0, 0],
    safety: [0, 0, 0, 0, 0],
    strongestHarm: 0,
    dispersion: { ...none, squaredRequests: 0, squaredFailures: 0, products: 0 },
    step: { start: new Date(at(40)).toISOString(), canary: none },
  }
}

describe('a measurement between two checks', () => {
  const analyst = createAnalyst({ clock: systemClock, log: silentLogger })

  async function lookAt(namespace: string, metric: Check['metric'], end: number, memory?: MetricMemory) {
    const request: MeasureRequest = {
      subject: subjectIn(namespace),
      checks: [{ metric, memory }],
      window: { startMs: at(40), endMs: at(end) },
      canaryShare: 0.2,
      metricsServer: prometheus.address,
      early: { sinceMs: at(41), settings },
    }
    const [verdict] = await analyst.measure(request, AbortSignal.timeout(120_000))
    return verdict
  }

  test('rolls back what certainly fails, with its numbers', async () => {
    expect(await lookAt('half', ranged, 43)).toMatchObject({
      state: 'failed',
      decision: 'rollback',
      rule: 'analysis.guard.errorShare',
      guard: true,
      requests: 40,
      errors: 20,
      windowStart: '2026-01-01T00:00:41.000Z',
      windowEnd: '2026-01-01T00:00:43.000Z',
      message: '20 of 40 requests failed: certainly more than 20%',
    })
    expect(await lookAt('dead', ranged, 43)).toMatchObject({ decision: 'rollback', requests: 40, errors: 40 })
    const limited = metricSchema.parse({ name: 'request-success-rate', limits: { errorShare: 0.02 } })
    expect(await lookAt('tenth', limited, 51)).toMatchObject({ decision: 'rollback', rule: 'limits.errorShare' })
  })

  test.each(['healthy', 'tenth', 'nowhere'])('neither passes nor fails anything else: %s', async (namespace) => {
    const verdict = await lookAt(namespace, ranged, 51)
    expect([verdict?.decision, verdict?.memory]).toEqual(['none', undefined])
  })

  test('closes a window of the comparison that tells, and counts it once', async () => {
    const first = await lookAt('half', compared, 46)
    expect(first).toMatchObject({
      state: 'inconclusive',
      decision: 'none',
      comparison: { windowStart: '2026-01-01T00:00:41.250Z', canary: { requests: 100, failures: 50 } },
      memory: { evidence: { windows: 1, lastWindowEnd: '2026-01-01T00:00:46.000Z' } },
    })
    const again = await lookAt('half', compared, 46, first?.memory)
    expect([again?.decision, again?.memory]).toEqual(['none', undefined])
    const second = await lookAt('half', compared, 48, first?.memory)
    const third = await lookAt('half', compared, 50, second?.memory)
    const fourth = await lookAt('half', compared, 52, third?.memory)
    expect([third, fourth].find((verdict) => verdict?.decision === 'rollback')).toMatchObject({
      state: 'failed',
      rule: 'comparison.alpha',
    })
  })

  test('leaves a window open that tells nothing, and failure counts as they are', async () => {
    const memory = { ...emptyMemory, failedChecks: 2, consecutiveFailedChecks: 1 }
    expect((await lookAt('healthy', compared, 50, memory))?.memory).toBeUndefined()
    const closed = await lookAt('half', compared, 50, memory)
    expect(closed?.memory).toMatchObject({ failedChecks: 2, consecutiveFailedChecks: 1 })
  })

  test('templates, dry runs and slow answers wait for their check', async () => {
    const template = metricSchema.parse({ name: 'own', templateRef: { name: 'own' }, thresholdRange: { max: 1 } })
    const slow = metricSchema.parse({ name: 'request-duration', thresholdRange: { max: 1 } })
    for (const metric of [template, slow, { ...ranged, dryRun: true }]) {
      const verdict = await lookAt('half', metric, 50)
      expect([verdict?.decision, verdict?.query]).toEqual(['none', ''])
    }
  })
})
