import type { Quantiles, WakeResult } from './load.ts'
import type { Round } from './measure.ts'
import type { Arm } from './world.ts'

export interface Cost extends Quantiles {
  /** Of each of the two proxies, the client's first: microseconds of processor time a request. */
  readonly processorMicros: readonly number[]
}

export interface Summary {
  readonly absolute: Readonly<Record<Arm, Quantiles & { readonly errors: number }>>
  /** What requests by two proxies take more than those of the same round without. */
  readonly added: Readonly<Record<Exclude<Arm, 'direct'>, Cost>>
  /** What sidecars add, as a multiple of what bare Envoys do. */
  readonly ratio: Readonly<Record<'plain' | 'mtls', Ratio>>
  readonly machine: WakeResult & { readonly stolenPercent: number; readonly stolenPercentMost: number }
}

type Ratio = Readonly<Record<'p50' | 'p99' | 'processorTime', number>>

/** Medians over the rounds, so that a round that was disturbed counts as one. */
export function summarize(rounds: readonly Round[]): Summary {
  const absolute = (arm: Arm) => ({
    ...overRounds(rounds, ({ arms }) => arms[arm]),
    errors: rounds.reduce((sum, { arms }) => sum + arms[arm].errors, 0),
  })
  const added = {
    plain: costOf(rounds, 'plain'),
    mtls: costOf(rounds, 'mtls'),
    bare: costOf(rounds, 'bare'),
    bareMtls: costOf(rounds, 'bareMtls'),
  }
  const stolen = rounds.flatMap(({ arms }) => Object.values(arms).map(({ stolenPercent }) => stolenPercent))
  return {
    absolute: {
      direct: absolute('direct'),
      plain: absolute('plain'),
      mtls: absolute('mtls'),
      bare: absolute('bare'),
      bareMtls: absolute('bareMtls'),
    },
    added,
    ratio: { plain: ratioOf(added.plain, added.bare), mtls: ratioOf(added.mtls, added.bareMtls) },
    machine: {
      timer: overRounds(rounds, ({ waking }) => waking.timer),
      thereAndBack: overRounds(rounds, ({ waking }) => waking.thereAndBack),
      stolenPercent: median(stolen),
      stolenPercentMost: Math.max(...stolen),
    },
  }
}

function costOf(rounds: readonly Round[], arm: Arm): Cost {
  const quantiles = overRounds(rounds, ({ arms }) => {
    const { p50, p90, p99 } = arms[arm]
    const { direct } = arms
    return { p50: p50 - direct.p50, p90: p90 - direct.p90, p99: p99 - direct.p99 }
  })
  const processorMicros = [0, 1].map((place) => median(rounds.map(({ arms }) => arms[arm].processorMicros[place] ?? 0)))
  return { ...quantiles, processorMicros }
}

function ratioOf(ours: Cost, theirs: Cost): Ratio {
  const total = ({ processorMicros }: Cost) => processorMicros.reduce((sum, each) => sum + each, 0)
  return { p50: ours.p50 / theirs.p50, p99: ours.p99 / theirs.p99, processorTime: total(ours) / total(theirs) }
}

function overRounds(rounds: readonly Round[], of: (round: Round) => Quantiles): Quantiles {
  const middle = (key: keyof Quantiles) => median(rounds.map((round) => of(round)[key]))
  return { p50: middle('p50'), p90: middle('p90'), p99: middle('p99') }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
