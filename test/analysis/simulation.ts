import { mixture, type Tolerance, type WindowCounts } from '../../src/analysis/statistics/e-value.ts'
import { addWindow, type Evidence, noEvidence } from '../../src/analysis/statistics/evidence.ts'
import { binomial, poisson, type Random, seededRandom } from '../../src/cli/simulate/random.ts'

/** What the world is like; risks are shares of requests that fail. */
export interface Scenario {
  readonly checks: number
  /** Requests to the canary in one check, on average; the primary gets four times as many. */
  readonly requests: number
  readonly primaryRisk: number
  readonly canaryRisk: number
  /** Each version's risk is drawn anew for every check, from an exponential distribution. */
  readonly bursts?: boolean
  /** Traffic swings between a tenth and nearly double of its average, and the risk of both with it. */
  readonly changes?: boolean
}

/** The counts of every check of one release. */
export function simulateRelease(scenario: Scenario, random: Random): readonly WindowCounts[] {
  const { checks, requests, primaryRisk, canaryRisk } = scenario
  return Array.from({ length: checks }, (_, check) => {
    const swing = scenario.changes === true ? 1 + 0.9 * Math.sin(check / 5) : 1
    const burst = () => (scenario.bursts === true ? -Math.log(1 - random()) : 1)
    const arm = (mean: number, risk: number) => {
      const count = poisson(mean * swing, random)
      const failing = Math.min(1, risk * burst() * (scenario.changes === true ? swing : 1))
      return { requests: count, failures: binomial(count, failing, random) }
    }
    return { canary: arm(requests, canaryRisk), primary: arm(4 * requests, primaryRisk) }
  })
}

/** Whether this check takes the release back. */
export type Gate = (counts: WindowCounts, check: number) => boolean

/** The sequential comparison at alpha 5 %. */
export function comparisonGate(tolerated: Tolerance): Gate {
  let evidence: Evidence = noEvidence(tolerated)
  return (counts, check) => {
    evidence = addWindow(evidence, { ...counts, startMs: check, endMs: check + 1, stepStartMs: 0 })
    return mixture(evidence.harm) >= Math.log(1 / 0.05)
  }
}

/** Flagger's: a check fails below 99 % success or without requests, and the fifth failed one takes the release back. */
export function flaggerGate(): Gate {
  let failedChecks = 0
  return ({ canary: { requests, failures } }) => {
    if (requests === 0 || failures / requests > 0.01) failedChecks += 1
    return failedChecks >= 5
  }
}

export interface Outcome {
  readonly rolledBack: number
  readonly releases: number
  /** The check at which the median rolled-back release was. */
  readonly medianCheck: number | undefined
}

export function playReleases(scenario: Scenario, releases: number, createGate: () => Gate, seed = 7): Outcome {
  const random = seededRandom(seed)
  const checks: number[] = []
  for (let release = 0; release < releases; release++) {
    const gate = createGate()
    const at = simulateRelease(scenario, random).findIndex((counts, check) => gate(counts, check))
    if (at >= 0) checks.push(at + 1)
  }
  checks.sort((left, right) => left - right)
  return { rolledBack: checks.length, releases, medianCheck: checks[Math.floor(checks.length / 2)] }
}
