import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { type Canary, parseCanary } from '../../src/api/index.ts'
import { type Estimate, estimate } from '../../src/cli/simulate/estimate.ts'
import { binomial, normalShareBelow, poisson, seededRandom } from '../../src/cli/simulate/random.ts'
import { parseSettings, type SimulateOptions } from '../../src/cli/simulate/settings.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/directory.ts'
import { rawCanary } from '../support/raw-canary.ts'
import { runSluice } from '../support/run-sluice.ts'

const RUNS = 100
const ALPHA = 0.05

const typed = (change: Partial<SimulateOptions> = {}): SimulateOptions => ({
  traffic: '60rps',
  errorRate: '0.5%',
  latency: '20ms/100ms',
  matchShare: '10%',
  within: '6m',
  runs: `${RUNS}`,
  seed: '1',
  json: false,
  ...change,
})

function canaryOf(analysis: object): Canary {
  const parsed = parseCanary(rawCanary({ analysis: { interval: '10s', stepWeight: 25, maxWeight: 50, ...analysis } }))
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

const compared = (settings: object = {}): Canary =>
  canaryOf({ metrics: [{ name: 'request-success-rate', comparison: settings }] })

const play = (canary: Canary, change: Partial<SimulateOptions> = {}): Promise<Estimate> =>
  estimate(canary, parseSettings(typed(change)))

describe('the chance of a rollback', () => {
  // The same bounds as those of the statistics: at most alpha of the releases that are no worse.
  test.each([
    ['nothing is tolerated', compared({ tolerance: 0, margin: 0 }), {}],
    ['little traffic', compared({ tolerance: 0, margin: 0, minRequests: 10 }), { traffic: '5rps' }],
    ['a failing primary', compared({ tolerance: 0, margin: 0 }), { errorRate: '2%' }],
    ['as bad as is tolerated', compared(), { errorRate: '1%', canaryErrorRate: '1.45%' }],
  ])('of a version that is no worse is at most alpha: %s', async (_, canary, change) => {
    const { chances } = await play(canary, change)
    expect(chances['rolled-back'].share).toBeLessThanOrEqual(ALPHA)
    expect(chances['rolled-back'].lower).toBeLessThan(ALPHA)
  })

  test.each([
    ['ten times the errors, compared', compared(), { canaryErrorRate: '5%' }, 0.95],
    [
      'twice the limit of a threshold',
      canaryOf({ metrics: [{ name: 'request-success-rate', thresholdRange: { min: 99 } }] }),
      { canaryErrorRate: '3%' },
      0.95,
    ],
    [
      'slow answers',
      canaryOf({ metrics: [{ name: 'request-duration', thresholdRange: { max: 500 } }] }),
      { canaryLatency: '300ms/2s' },
      0.99,
    ],
  ])('of a version that is worse is high: %s', async (_, canary, change, least) => {
    const { chances, reasons } = await play(canary, change)
    expect(chances['rolled-back'].share).toBeGreaterThanOrEqual(least)
    expect(reasons[0]).toMatch(/ times, such as: /)
  })

  test('grows with the traffic that a bad version gets', async () => {
    const [little, much] = await Promise.all(
      ['1rps', '300rps'].map((traffic) => play(compared(), { traffic, canaryErrorRate: '2%', within: '5m' })),
    )
    expect(much?.chances['rolled-back'].share).toBeGreaterThan(little?.chances['rolled-back'].share ?? 1)
  })
})

test('a release lasts its checks, and exposes the share of its weights', async () => {
  const { durationMs, exposedRequests, chances, notSimulated } = await play(
    canaryOf({
      mirror: false,
      metrics: [
        { name: 'request-success-rate', thresholdRange: { min: 90 } },
        { name: 'orders', templateRef: { name: 'orders' }, thresholdRange: { min: 1 } },
      ],
    }),
  )
  expect(chances.promoted).toMatchObject({ share: 1, upper: 1 })
  // Two steps of ten seconds, and some passes between them.
  expect(durationMs.promoted?.p50).toBeGreaterThanOrEqual(20_000)
  expect(durationMs.promoted?.p50).toBeLessThan(40_000)
  // 60 requests a second: a quarter for one step, half for the other.
  expect(exposedRequests.p50).toBeGreaterThan(400)
  expect(exposedRequests.p50).toBeLessThan(750)
  expect(notSimulated).toEqual(['orders'])
})

test('a release that nobody uses is held, not promoted', async () => {
  const { chances } = await play(compared(), { traffic: '0.001rps', within: '5m', runs: '10' })
  expect(chances.promoted.share).toBe(0)
})

describe('what is drawn', () => {
  const random = seededRandom(3)
  const meanOf = (draw: () => number) =>
    Array.from({ length: 20_000 }, draw).reduce((sum, one) => sum + one, 0) / 20_000

  test.each([0.5, 5, 400])('requests come %f at a time on average', (mean) => {
    expect(meanOf(() => poisson(mean, random)) / mean).toBeCloseTo(1, 1)
  })

  test.each([
    [10, 0.01],
    [100, 0.4],
    [100, 0.9],
    [7, 1],
    [7, 0],
  ])('of %i requests a share of %f hits', (trials, share) => {
    expect(meanOf(() => binomial(trials, share, random)) / trials).toBeCloseTo(share, 1)
  })

  test.each([
    [0, 0.5],
    [1.96, 0.975],
    [-2.3263, 0.01],
  ])('a normal variable is below %f in %f', (z, share) => {
    expect(normalShareBelow(z)).toBeCloseTo(share, 5)
  })
})

test.each([
  [{ traffic: '200' }, /^--traffic: "200" is not a rate/],
  [{ traffic: '0rps' }, /^--traffic: "0rps"/],
  [{ errorRate: '101%' }, /^--error-rate: "101%" is not a percentage/],
  [{ canaryErrorRate: '0.5' }, /^--canary-error-rate: "0.5"/],
  [{ latency: '90ms/20ms' }, /^--latency: "90ms\/20ms" is not a median and a p99/],
  [{ within: '9d' }, /^--within: "9d"/],
  [{ runs: '0' }, /^--runs: "0" is not a whole number/],
])('refuses %j, and says how it is written', (change, message) => {
  expect(() => parseSettings(typed(change))).toThrow(message)
})

describe('the command', () => {
  let folder: TemporaryDirectory
  let file: string
  beforeAll(async () => {
    folder = await temporaryDirectory()
    file = join(folder.path, 'canary.yaml')
    await writeFile(file, stringify(rawCanary()))
  })
  afterAll(() => folder?.[Symbol.asyncDispose]())
  const simulate = (...words: readonly string[]) => runSluice(['simulate', file, ...words], '/nowhere')

  test('says the same again for the same seed, as text and as JSON', async () => {
    const words = ['--traffic', '50rps', '--error-rate', '0.5%', '--runs', '20', '--seed', '4']
    const [first, second, text] = [
      await simulate(...words, '--json'),
      await simulate(...words, '--json'),
      await simulate(...words),
    ]
    expect(first).toEqual(second)
    expect(JSON.parse(first.out)).toMatchObject({
      schemaVersion: 1,
      assumed: { traffic: '50rps', errorRate: '0.5%', canaryErrorRate: '0.5%', latency: '20ms/100ms' },
      runs: 20,
      seed: 4,
      chances: { promoted: { share: expect.any(Number) } },
    })
    expect([text.code, text.out]).toEqual([0, expect.stringMatching(/^20 releases, seed 4\n {2}promoted +\d/)])
  })

  test('refuses a Canary by the field that is wrong', async () => {
    const wrong = join(folder.path, 'wrong.yaml')
    await writeFile(wrong, stringify(rawCanary({ analysis: { threshold: 0 } })))
    const { code, err } = await runSluice(['simulate', wrong, '--traffic', '9rps'], '/nowhere')
    expect([code, err]).toEqual([2, expect.stringMatching(/wrong\.yaml: spec\.analysis\.threshold/)])
  })
})
