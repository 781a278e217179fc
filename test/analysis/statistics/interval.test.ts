import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { wilsonInterval } from '../../../src/analysis/statistics/interval.ts'
import { isSampleRatioOff } from '../../../src/analysis/statistics/sample-ratio.ts'

describe("Wilson's interval", () => {
  test.each([
    [0, 10, 0, 0.27754],
    [5, 10, 0.23659, 0.76341],
    [10, 10, 0.72246, 1],
    [1, 100, 0.00177, 0.05449],
  ])('of %i in %i, 95 %% of them', (count, trials, lower, upper) => {
    const interval = wilsonInterval(count, trials, 1.96)
    expect(interval.lower).toBeCloseTo(lower, 4)
    expect(interval.upper).toBeCloseTo(upper, 4)
  })

  test('holds the observed share, is its own mirror image, and knows nothing without trials', () => {
    const counts = fc.integer({ min: 1, max: 1e6 }).chain((trials) => fc.tuple(fc.nat(trials), fc.constant(trials)))
    fc.assert(
      fc.property(counts, fc.double({ min: 0.1, max: 5, noNaN: true }), ([count, trials], z) => {
        const { lower, upper } = wilsonInterval(count, trials, z)
        const mirrored = wilsonInterval(trials - count, trials, z)
        expect(lower).toBeLessThanOrEqual(count / trials + 1e-12)
        expect(upper).toBeGreaterThanOrEqual(count / trials - 1e-12)
        expect(mirrored.lower).toBeCloseTo(1 - upper, 9)
      }),
    )
    expect(wilsonInterval(0, 0, 2)).toEqual({ lower: 0, upper: 1 })
  })
})

test.each([
  ['as configured', [200, 800], 0.2, false],
  ['a little off', [220, 780], 0.2, false],
  ['far off, but only few requests', [5, 5], 0.2, false],
  ['everything to the primary', [0, 1_000], 0.2, true],
  ['half instead of a fifth', [500, 500], 0.2, true],
  ['a small share that is doubled', [200, 9_800], 0.01, false],
  ['a small share, tenfold', [1_000, 9_000], 0.01, true],
  ['no requests at all', [0, 0], 0.5, false],
] as const)('sample ratio: %s', (_, [canary, primary], share, expected) => {
  expect(isSampleRatioOff(canary, primary, share)).toBe(expected)
})
