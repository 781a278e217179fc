import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { increases } from '../../src/analysis/statistics/increase.ts'
import { type Bucket, quantile } from '../../src/analysis/statistics/quantile.ts'

const sample = (pod: string, value: number) => ({ labels: { pod }, value })

describe('increases', () => {
  test.each([
    ['the difference, series by series', [sample('a', 3), sample('b', 1)], [sample('b', 1), sample('a', 5)], [0, 2]],
    ['a young series from 0', [], [sample('a', 5)], [5]],
    ['a restarted counter from 0', [sample('a', 9)], [sample('a', 4)], [4]],
    ['nothing of a series that is gone', [sample('a', 9)], [], []],
    [
      'the name of the metric tells no series apart',
      [{ labels: { __name__: 'x', pod: 'a' }, value: 1 }],
      [sample('a', 4)],
      [3],
    ],
  ])('%s', (_, start, end, expected) => {
    expect(increases(start, end).map(({ value }) => value)).toEqual(expected)
  })
})

const infinite = Number.POSITIVE_INFINITY
const buckets = (...pairs: readonly (readonly [number, number])[]): readonly Bucket[] =>
  pairs.map(([le, count]) => ({ le, count }))

describe('quantile', () => {
  test.each([
    ['interpolates inside a bucket', 0.5, buckets([10, 0], [20, 10], [infinite, 10]), 15],
    ['takes 0 below the first bucket', 0.5, buckets([10, 10], [infinite, 10]), 5],
    ['ends at the last finite bound', 0.99, buckets([10, 5], [20, 6], [infinite, 10]), 20],
    ['takes buckets in any order', 0.5, buckets([infinite, 10], [20, 10], [10, 0]), 15],
    ['mends counts that fall', 0.5, buckets([10, 6], [20, 5], [infinite, 10]), 10 * (5 / 6)],
    ['knows nothing without observations', 0.99, buckets([10, 0], [infinite, 0]), undefined],
    ['knows nothing without an infinite bucket', 0.99, buckets([10, 4]), undefined],
    ['knows nothing of an infinite bucket alone', 0.99, buckets([infinite, 4]), undefined],
    ['knows nothing without buckets', 0.99, [], undefined],
  ])('%s', (_, q, histogram, expected) => {
    expect(quantile(q, histogram)).toBe(expected)
  })

  test('never falls as q rises, and stays inside the bounds', () => {
    const counts = fc.array(fc.nat(1_000), { minLength: 2, maxLength: 20 })
    fc.assert(
      fc.property(
        counts,
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (perBucket, one, other) => {
          let total = 0
          const histogram = perBucket.map((count, index) => {
            total += count
            return { le: index === perBucket.length - 1 ? infinite : 2 ** index, count: total }
          })
          fc.pre(total > 0)
          const low = quantile(Math.min(one, other), histogram) ?? Number.NaN
          const high = quantile(Math.max(one, other), histogram) ?? Number.NaN
          expect(low).toBeGreaterThanOrEqual(0)
          expect(high).toBeGreaterThanOrEqual(low)
          expect(high).toBeLessThanOrEqual(2 ** (perBucket.length - 2))
        },
      ),
    )
  })
})
