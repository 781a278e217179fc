import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffMs } from '../../src/base/index.ts'

test.each([
  [1, 0, 500],
  [1, 1, 1_000],
  [3, 1, 4_000],
  [9, 1, 10_000],
  [2_000, 0, 5_000],
])('retry %i with random %f waits %i ms', (retry, random, wait) => {
  expect(backoffMs({ firstMs: 1_000, maxMs: 10_000 }, retry, random)).toBe(wait)
})

test('a wait is never longer than the maximum, nor shorter than half of the first', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (retry, random) => {
      const wait = backoffMs({ firstMs: 1_000, maxMs: 30_000 }, retry, random)
      expect(wait).toBeGreaterThanOrEqual(500)
      expect(wait).toBeLessThanOrEqual(30_000)
    }),
  )
})
