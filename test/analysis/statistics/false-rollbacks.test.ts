import { describe, expect, test } from 'vitest'
import { wilsonInterval } from '../../../src/analysis/statistics/interval.ts'
import { comparisonGate, flaggerGate, playReleases, type Scenario } from '../simulation.ts'

const ALPHA = 0.05
/** One side of 99 %. */
const NINETY_NINE = 2.326
const RELEASES = 1_500

const strict = { tolerance: 0, margin: 0 }

interface Kind extends Omit<Scenario, 'requests' | 'checks' | 'primaryRisk' | 'canaryRisk'> {
  readonly kind: string
}

const kinds: readonly Kind[] = [
  { kind: 'steady' },
  { kind: 'with bursts', bursts: true },
  { kind: 'with traffic that changes', changes: true },
  { kind: 'with both', bursts: true, changes: true },
]

/** The hardest case that must not be rolled back: no worse than the primary, and nothing is tolerated. */
const healthy = [2, 12, 120].flatMap((requests) =>
  [0.005, 0.02].flatMap((risk) => kinds.map((kind) => ({ ...kind, requests, risk, percent: 100 * risk }))),
)

describe('releases that are not worse than their primary', () => {
  test.each(healthy)(
    'at most alpha are rolled back: $requests requests a check, $percent% errors, $kind',
    ({ risk, ...kind }) => {
      const scenario = { ...kind, checks: 60, primaryRisk: risk, canaryRisk: risk }
      const { rolledBack, releases } = playReleases(scenario, RELEASES, () => comparisonGate(strict))
      expect(wilsonInterval(rolledBack, releases, NINETY_NINE).upper).toBeLessThanOrEqual(ALPHA)
    },
  )

  test.each([2, 12, 120])('as bad as is tolerated: still at most alpha, at %i requests a check', (requests) => {
    const scenario = { checks: 60, requests, primaryRisk: 0.01, canaryRisk: 0.01 * 1.25 + 0.002 }
    const gate = () => comparisonGate({ tolerance: 0.25, margin: 0.002 })
    const { rolledBack, releases } = playReleases(scenario, RELEASES, gate)
    expect(wilsonInterval(rolledBack, releases, NINETY_NINE).upper).toBeLessThanOrEqual(ALPHA)
  })

  test("Flagger's rule on the same traffic takes most of them back", () => {
    const scenario = { checks: 60, requests: 120, primaryRisk: 0.005, canaryRisk: 0.005 }
    expect(playReleases(scenario, RELEASES, flaggerGate).rolledBack / RELEASES).toBeGreaterThan(0.5)
  })
})

describe('releases that are worse', () => {
  test.each([
    [12, 0.05, 0.8],
    [120, 0.05, 0.99],
    [120, 0.015, 0.8],
    [2, 0.5, 0.99],
  ])('are found: %i requests a check, %f against 0.005', (requests, canaryRisk, power) => {
    const scenario = { checks: 20, requests, primaryRisk: 0.005, canaryRisk }
    const { rolledBack, releases } = playReleases(scenario, RELEASES, () => comparisonGate(strict))
    expect(rolledBack / releases).toBeGreaterThanOrEqual(power)
  })
})
