import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { harmOf, mixture, safetyOf, type Tolerance } from '../../../src/analysis/statistics/e-value.ts'
import { addWindow, type Evidence, type EvidenceWindow, noEvidence } from '../../../src/analysis/statistics/evidence.ts'

const arm = fc
  .integer({ min: 0, max: 500 })
  .chain((requests) => fc.record({ requests: fc.constant(requests), failures: fc.integer({ min: 0, max: requests }) }))

const tolerance = fc.record({
  tolerance: fc.double({ min: 0, max: 2, noNaN: true }),
  margin: fc.double({ min: 0, max: 0.1, noNaN: true }),
})

/** Windows that follow one another, of two steps. */
const windows = fc.array(fc.record({ canary: arm, primary: arm }), { maxLength: 20 }).map((counts) =>
  counts.map(
    (each, index): EvidenceWindow => ({
      ...each,
      startMs: 1_000 * index,
      endMs: 1_000 * (index + 1),
      stepStartMs: index < 10 ? 0 : 10_000,
    }),
  ),
)

const fold = (evidence: Evidence, some: readonly EvidenceWindow[]): Evidence => some.reduce(addWindow, evidence)

/** Mean of the e-value over all outcomes of a few requests, by enumeration: no simulation, no luck. */
function exactMean(
  sizes: readonly [number, number],
  risks: readonly [number, number],
  at: (c: number, p: number) => number,
) {
  let mean = 0
  for (let canary = 0; canary <= sizes[0]; canary++) {
    for (let primary = 0; primary <= sizes[1]; primary++) {
      mean += binomial(sizes[0], canary, risks[0]) * binomial(sizes[1], primary, risks[1]) * at(canary, primary)
    }
  }
  return mean
}

function binomial(trials: number, count: number, share: number): number {
  let ways = 1
  for (let index = 0; index < count; index++) ways = (ways * (trials - index)) / (index + 1)
  return ways * share ** count * (1 - share) ** (trials - count)
}

const sizes = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }))
const share = fc.double({ min: 0, max: 1, noNaN: true })

const countsOf = ([canaryRequests, primaryRequests]: readonly [number, number], canary: number, primary: number) => ({
  canary: { requests: canaryRequests, failures: canary },
  primary: { requests: primaryRequests, failures: primary },
})

describe('e-values', () => {
  const evidenceOf = (logs: readonly number[]) => Math.exp(mixture(logs))

  test('against harm: their mean is at most 1 for every version within the tolerance', () => {
    fc.assert(
      fc.property(sizes, share, share, tolerance, (size, risk, part, tolerated: Tolerance) => {
        const allowed = Math.min(1, (1 + tolerated.tolerance) * risk + tolerated.margin)
        const at = (c: number, p: number) => evidenceOf(harmOf(countsOf(size, c, p), tolerated))
        expect(exactMean(size, [allowed * part, risk], at)).toBeLessThanOrEqual(1 + 1e-9)
      }),
    )
  })

  test('for safety: their mean is at most 1 for every version beyond the tolerance', () => {
    fc.assert(
      fc.property(sizes, share, share, tolerance, (size, risk, part, tolerated: Tolerance) => {
        const allowed = (1 + tolerated.tolerance) * risk + tolerated.margin
        fc.pre(allowed <= 1)
        const at = (c: number, p: number) => evidenceOf(safetyOf(countsOf(size, c, p), tolerated))
        expect(exactMean(size, [allowed + (1 - allowed) * part, risk], at)).toBeLessThanOrEqual(1 + 1e-9)
      }),
    )
  })

  test('say nothing where one version got no requests', () => {
    const counts = countsOf([0, 100], 0, 50)
    expect(harmOf(counts, { tolerance: 0, margin: 0 }).every((log) => log === 0)).toBe(true)
    expect(mixture(safetyOf(countsOf([100, 0], 100, 0), { tolerance: 0, margin: 0 }))).toBe(0)
  })

  test('a mixture of equals is each of them, however large', () => {
    expect(mixture([700, 700, 700])).toBe(700)
    expect(mixture([-5_000, 0])).toBeCloseTo(Math.log(0.5), 12)
  })
})

describe('evidence', () => {
  test('laid down and taken up anywhere, it is the same', () => {
    fc.assert(
      fc.property(tolerance, windows, fc.nat(20), (tolerated, all, at) => {
        const whole = fold(noEvidence(tolerated), all)
        const stored: Evidence = fold(noEvidence(tolerated), all.slice(0, at))
        expect(fold(stored, all.slice(at))).toEqual(whole)
      }),
    )
  })

  test('no window is counted twice, in whole or in part', () => {
    fc.assert(
      fc.property(tolerance, windows, fc.nat(20), fc.nat(999), (tolerated, all, back, shift) => {
        const whole = fold(noEvidence(tolerated), all)
        const again = all.slice(-back || all.length)
        const moved = again.map((each) => ({ ...each, startMs: each.startMs - shift, endMs: each.endMs - shift }))
        expect(fold(whole, [...again, ...moved])).toEqual(whole)
      }),
    )
  })

  test('counts add up, and those of the step are its own', () => {
    fc.assert(
      fc.property(windows, (all) => {
        const { canary, primary, windows: count, step } = fold(noEvidence({ tolerance: 0, margin: 0 }), all)
        const sum = (some: readonly EvidenceWindow[], side: 'canary' | 'primary') =>
          some.reduce((total, each) => total + each[side].requests, 0)
        expect([canary.requests, primary.requests, count]).toEqual([
          sum(all, 'canary'),
          sum(all, 'primary'),
          all.length,
        ])
        const own = all.filter(({ stepStartMs }) => stepStartMs === all.at(-1)?.stepStartMs)
        expect(step.canary.requests).toBe(sum(own, 'canary'))
      }),
    )
  })

  test('one window alone never proves anything, however bad', () => {
    const window = { ...countsOf([1_000, 1_000], 1_000, 0), startMs: 0, endMs: 1, stepStartMs: 0 }
    const { harm, strongestHarm } = addWindow(noEvidence({ tolerance: 0.25, margin: 0.002 }), window)
    expect([mixture(harm), strongestHarm]).toEqual([1, 1])
  })
})
