import { wilsonInterval } from '../../analysis/index.ts'
import type { Canary } from '../../api/index.ts'
import { type SimulatedRelease, simulatedMetrics, simulateRelease } from './release.ts'
import type { Settings } from './settings.ts'

export interface Chance {
  readonly share: number
  /** 99 % interval of what more runs would find. */
  readonly lower: number
  readonly upper: number
}

export interface Spread {
  readonly p50: number
  readonly p90: number
}

export interface Estimate {
  readonly runs: number
  readonly seed: number
  readonly chances: Readonly<Record<SimulatedRelease['outcome'], Chance>>
  /** Milliseconds from the change to the end; of each outcome that came up. */
  readonly durationMs: Partial<Readonly<Record<SimulatedRelease['outcome'], Spread>>>
  /** Users' requests that the new version answered, and those of them that failed. */
  readonly exposedRequests: Spread
  readonly failedRequests: Spread
  /** What ended the rolled back releases, the most frequent first. */
  readonly reasons: readonly string[]
  /** Metrics that were taken to pass, since their templates ask for what is not simulated. */
  readonly notSimulated: readonly string[]
}

const Z_99 = 2.576
const REASONS_SHOWN = 3

export async function estimate(canary: Canary, { model, withinMs, runs, seed }: Settings): Promise<Estimate> {
  const releases: SimulatedRelease[] = []
  for (let run = 0; run < runs; run += 1) {
    releases.push(await simulateRelease({ canary, model, withinMs }, seed * MOST_RUNS + run))
  }
  const simulated = simulatedMetrics(canary)
  return {
    runs,
    seed,
    chances: {
      promoted: chanceOf(releases, 'promoted'),
      'rolled-back': chanceOf(releases, 'rolled-back'),
      held: chanceOf(releases, 'held'),
    },
    durationMs: Object.fromEntries(
      [...new Set(releases.map(({ outcome }) => outcome))].map((outcome) => [
        outcome,
        spreadOf(releases.filter((release) => release.outcome === outcome).map(({ durationMs }) => durationMs)),
      ]),
    ),
    exposedRequests: spreadOf(releases.map(({ exposed }) => exposed.requests)),
    failedRequests: spreadOf(releases.map(({ exposed }) => exposed.failed)),
    reasons: reasonsOf(releases),
    notSimulated: (canary.spec.analysis.metrics ?? [])
      .filter((metric) => !simulated.includes(metric))
      .map(({ name }) => name),
  }
}

/** Seeds beside each other share no run. */
const MOST_RUNS = 10_000

function chanceOf(releases: readonly SimulatedRelease[], outcome: SimulatedRelease['outcome']): Chance {
  const count = releases.filter((release) => release.outcome === outcome).length
  return { share: count / releases.length, ...wilsonInterval(count, releases.length, Z_99) }
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((left, right) => left - right)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return { p50: at(0.5), p90: at(0.9) }
}

/** Messages with their numbers taken out are few. */
function reasonsOf(releases: readonly SimulatedRelease[]): readonly string[] {
  const counts = new Map<string, { readonly example: string; readonly count: number }>()
  for (const { outcome, message } of releases) {
    if (outcome !== 'rolled-back') continue
    const kind = message.replace(/[0-9.]+/g, '#')
    counts.set(kind, { example: counts.get(kind)?.example ?? message, count: (counts.get(kind)?.count ?? 0) + 1 })
  }
  const sorted = [...counts.values()].sort((left, right) => right.count - left.count)
  return sorted.slice(0, REASONS_SHOWN).map(({ example, count }) => `${count} times, such as: ${example}`)
}
