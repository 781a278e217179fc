import { describe, expect, test } from 'vitest'
import { wilsonInterval } from '../../../src/analysis/statistics/interval.ts'
import { metricSchema } from '../../../src/api/index.ts'
import { guardedComparisonGate, guardedLimitGate } from '../guarded-gate.ts'
import { playReleases } from '../simulation.ts'

const ALPHA = 0.05
/** One side of 99 %. */
const NINETY_NINE = 2.326
const RELEASES = 450

const strict = { tolerance: 0, margin: 0 }
const successRate = metricSchema.parse({ name: 'request-success-rate', thresholdRange: { min: 99 } })

const kinds = [
  { kind: 'steady' },
  { kind: 'with bursts', bursts: true },
  { kind: 'with bursts and traffic that changes', bursts: true, changes: true },
]
const healthy = [2, 12, 120].flatMap((requests) => kinds.map((kind) => ({ ...kind, requests })))

describe('releases that are not worse than their primary, read 30 times between two checks', () => {
  test.each(healthy)(
    'are rolled back by the comparison in at most alpha: $requests requests a check, $kind',
    (kind) => {
      const scenario = { ...kind, checks: 60, primaryRisk: 0.005, canaryRisk: 0.005 }
      const { rolledBack, releases } = playReleases(scenario, RELEASES, () => guardedComparisonGate(strict))
      expect(wilsonInterval(rolledBack, releases, NINETY_NINE).upper).toBeLessThanOrEqual(ALPHA)
    },
  )

  test.each([
    ...[2, 12, 120].map((requests) => ({ kind: 'with bursts', bursts: true, requests, risk: 0.005 })),
    // Far beyond the range that its checks are held to, and still not what the guard is for.
    { kind: 'a tenth failing', requests: 120, risk: 0.1 },
  ])('are not rolled back by the limit: $requests requests a check, $kind', ({ risk, ...kind }) => {
    const scenario = { ...kind, checks: 60, primaryRisk: risk, canaryRisk: risk }
    const { rolledBack, releases } = playReleases(scenario, RELEASES / 3, () => guardedLimitGate(successRate))
    expect(wilsonInterval(rolledBack, releases, NINETY_NINE).upper).toBeLessThanOrEqual(ALPHA)
  })
})

describe('a version that fails half of its requests', () => {
  test.each([12, 120, 1_200])('leaves by the limit before its second check: %i requests a check', (requests) => {
    const scenario = { checks: 10, requests, primaryRisk: 0.005, canaryRisk: 0.5 }
    const { rolledBack, releases, medianCheck } = playReleases(scenario, 50, () => guardedLimitGate(successRate))
    expect({ rolledBack, inTime: (medianCheck ?? 99) <= 2 }).toEqual({ rolledBack: releases, inTime: true })
  })

  test.each([120, 1_200])('leaves by the comparison within its first check: %i requests a check', (requests) => {
    const scenario = { checks: 10, requests, primaryRisk: 0.005, canaryRisk: 0.5 }
    const { medianCheck } = playReleases(scenario, 50, () => guardedComparisonGate(strict))
    expect(medianCheck).toBe(1)
  })
})
