import type { Quantiles } from './load.ts'
import type { Cost, Summary } from './summary.ts'
import type { Memory } from './usage.ts'
import type { Arm } from './world.ts'

/** What the sidecars' mTLS may add (milliseconds), and a sidecar's memory at 100 Services. */
export const bars = { p50: 0.8, p99: 3, residentMb: 80 }

const ways = [
  ['direct', 'direct'],
  ['plain', 'two sidecars'],
  ['mtls', 'two sidecars, mTLS'],
  ['bare', 'two bare Envoys'],
  ['bareMtls', 'two bare Envoys, mTLS'],
] as const satisfies readonly (readonly [Arm, string])[]

const names = Object.fromEntries(ways)

/** Lines for people. */
export function latencyLines({ absolute, added, ratio, machine }: Summary): readonly string[] {
  const { timer, thereAndBack, stolenPercent, stolenPercentMost } = machine
  return [
    row('milliseconds', ['p50', 'p90', 'p99']),
    row('the machine: a timer is late', figures(timer)),
    row('a byte to a thread and back', figures(thereAndBack), stolen(stolenPercent, stolenPercentMost)),
    ...ways.map(([arm, name]) => row(name, figures(absolute[arm]), `${absolute[arm].errors} errors`)),
    ...(['plain', 'mtls', 'bare', 'bareMtls'] as const).map((arm) =>
      row(`added by ${names[arm]}`, figures(added[arm]), costs(added[arm])),
    ),
    ...(['plain', 'mtls'] as const).map((arm) => {
      const { p50, p99, processorTime } = ratio[arm]
      const multiples = [p50, p99].map((each) => each.toFixed(2))
      return row(
        `${names[arm]} : bare`,
        [multiples[0] ?? '', '', multiples[1] ?? ''],
        `processor time ${processorTime.toFixed(2)}`,
      )
    }),
    `bars of two sidecars, mTLS: p50 ${bars.p50}, p99 ${bars.p99}`,
  ]
}

export function memoryLine(what: string, sidecars: readonly Memory[]): string {
  const [mine, theirs] = sidecars.map(
    ({ resident, anonymous, proportional }) =>
      `${resident.toFixed(1)} MB (${anonymous.toFixed(1)} anonymous, ${proportional.toFixed(1)} proportional)`,
  )
  return `${what}: client's sidecar ${mine}, server's ${theirs}`
}

const row = (name: string, cells: readonly string[], rest = ''): string =>
  `${name.padEnd(32)} ${cells.map((cell) => cell.padStart(9)).join(' ')}  ${rest}`.trimEnd()

const figures = ({ p50, p90, p99 }: Quantiles): readonly string[] => [p50, p90, p99].map((value) => value.toFixed(3))

const stolen = (usual: number, most: number): string =>
  `the hypervisor gave ${usual.toFixed(1)} % of the time to others, ${most.toFixed(1)} % at most`

function costs({ processorMicros }: Cost): string {
  const [mine, theirs] = processorMicros.map((each) => each.toFixed(0))
  return `processor time a request: client's ${mine} µs, server's ${theirs} µs`
}
