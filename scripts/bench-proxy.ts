/**
 * `npm run bench:proxy -- [--rate 1000] [--connections 16] [--bytes 1024] [--seconds 10] [--rounds 3] [--json]`: the
 * latency that two sidecars add, without and with mTLS, against the same server asked directly in the same run, the
 * processor time that a request costs them, and the memory of a sidecar, as root that of an injected one too. The three
 * take turns in each round.
 */
import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { interceptedMemory } from './bench-proxy/intercepted.ts'
import { type LoadResult, runLoad } from './bench-proxy/load.ts'
import { type Memory, readProcessorSeconds } from './bench-proxy/usage.ts'
import { type Arm, type BenchWorld, startBenchWorld } from './bench-proxy/world.ts'
import { buildGoTool } from './go-tools.ts'

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '1000' },
    connections: { type: 'string', default: '16' },
    bytes: { type: 'string', default: '1024' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
})
const shape = {
  requestsPerSecond: Number(values.rate),
  connections: Number(values.connections),
  bytes: Number(values.bytes),
}
const WARM_UP_SECONDS = 2
const SERVICES = [2, 100] as const
const BARS = { p50: 0.8, p99: 3, residentMb: 80 }

const arms = ['direct', 'plain', 'mtls'] as const satisfies readonly Arm[]

type Quantiles = Pick<LoadResult, 'p50' | 'p90' | 'p99'>

interface Measured extends LoadResult {
  /** Of each sidecar that a request passes, the client's first: microseconds of processor time a request. */
  readonly processorMicros: readonly number[]
}

const program = await buildGoTool('open-loop', (line) => console.error(line))
const memory: Record<string, readonly Memory[]> = {}
const rounds: Record<Arm, Measured>[] = []
const load = loadavg()[0] ?? 0
for (const services of SERVICES) {
  const world = await startBenchWorld(program, services)
  if (services === SERVICES[0])
    for (let round = 0; round < Number(values.rounds); round += 1) rounds.push(await measure(world, round))
  else await ask(world, 'mtls', Number(values.seconds))
  memory[services] = await world.memory()
  await world.stop()
}

const intercepted = await interceptedMemory(program, SERVICES[1], { ...shape, seconds: Number(values.seconds) })

const absolute = { direct: medians('direct'), plain: medians('plain'), mtls: medians('mtls') }
const added = { plain: difference('plain'), mtls: difference('mtls') }
if (values.json) {
  const machine = { cores: availableParallelism(), model: cpus()[0]?.model, loadBefore: load, loadAfter: loadavg()[0] }
  console.log(
    JSON.stringify({ machine, ...shape, bars: BARS, absolute, added, memory, intercepted, rounds }, undefined, 2),
  )
} else print()

/** One turn of each, another one first each time. */
async function measure(world: BenchWorld, round: number): Promise<Record<Arm, Measured>> {
  const measured: Partial<Record<Arm, Measured>> = {}
  for (const index of arms.keys()) {
    const arm = arms[(index + round) % arms.length] ?? 'direct'
    await ask(world, arm, WARM_UP_SECONDS)
    const seconds = Number(values.seconds)
    const used = () => Promise.all(world.sidecars(arm).map(readProcessorSeconds))
    const before = await used()
    const result = await ask(world, arm, seconds)
    const after = await used()
    const requests = shape.requestsPerSecond * seconds
    const processorMicros = after.map((until, place) => ((until - (before[place] ?? 0)) * 1e6) / requests)
    measured[arm] = { ...result, processorMicros }
  }
  return measured as Record<Arm, Measured>
}

function ask(world: BenchWorld, arm: Arm, seconds: number): Promise<LoadResult> {
  const { hostname, port } = new URL(world.urls[arm])
  return runLoad([program], { ...shape, host: hostname, port: Number(port), seconds })
}

/** Over the rounds, so that a round that was disturbed counts as one. */
function medians(arm: Arm): Quantiles {
  return overRounds((round) => round[arm])
}

function difference(arm: Arm): Quantiles {
  return overRounds(({ direct, ...others }) => {
    const { p50, p90, p99 } = { direct, ...others }[arm]
    return { p50: p50 - direct.p50, p90: p90 - direct.p90, p99: p99 - direct.p99 }
  })
}

function overRounds(of: (round: Record<Arm, Measured>) => Quantiles): Quantiles {
  const middle = (key: keyof Quantiles) => median(rounds.map((round) => of(round)[key]))
  return { p50: middle('p50'), p90: middle('p90'), p99: middle('p99') }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function print(): void {
  const { requestsPerSecond, connections, bytes } = shape
  console.log(`${requestsPerSecond} requests a second, ${connections} connections, ${bytes} bytes each way, open loop`)
  console.log(
    `load average ${load.toFixed(1)} before, ${(loadavg()[0] ?? 0).toFixed(1)} after, ${availableParallelism()} processors`,
  )
  const row = (name: string, { p50, p90, p99 }: Quantiles, rest = '') =>
    console.log(`${name.padEnd(28)} ${[p50, p90, p99].map((value) => value.toFixed(3).padStart(9)).join(' ')}  ${rest}`)
  console.log(`${'milliseconds'.padEnd(28)} ${['p50', 'p90', 'p99'].map((name) => name.padStart(9)).join(' ')}`)
  row('direct', absolute.direct, errorsOf('direct'))
  row('two sidecars', absolute.plain, errorsOf('plain'))
  row('two sidecars, mTLS', absolute.mtls, errorsOf('mtls'))
  row('added by two sidecars', added.plain, costOf('plain'))
  row('added, with mTLS', added.mtls, `${costOf('mtls')}; bars: p50 ${BARS.p50}, p99 ${BARS.p99}`)
  for (const [services, sidecars] of Object.entries(memory))
    printMemory(`memory at ${services} services, a listener for each`, sidecars)
  if (intercepted !== undefined) printMemory(`memory at ${SERVICES[1]} services, intercepted`, intercepted)
  console.log(`bar of memory at ${SERVICES[1]} services: ${BARS.residentMb} MB`)
}

function printMemory(what: string, sidecars: readonly Memory[]): void {
  const [mine, theirs] = sidecars.map(
    ({ resident, anonymous, proportional }) =>
      `${resident.toFixed(1)} MB (${anonymous.toFixed(1)} anonymous, ${proportional.toFixed(1)} proportional)`,
  )
  console.log(`${what}: client's sidecar ${mine}, server's ${theirs}`)
}

function errorsOf(arm: Arm): string {
  return `${rounds.reduce((sum, round) => sum + round[arm].errors, 0)} errors`
}

function costOf(arm: Arm): string {
  const [mine, theirs] = [0, 1].map((place) => median(rounds.map((round) => round[arm].processorMicros[place] ?? 0)))
  return `processor time a request: client's sidecar ${mine?.toFixed(0)} µs, server's ${theirs?.toFixed(0)} µs`
}
