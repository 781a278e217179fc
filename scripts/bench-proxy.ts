/**
 * `npm run bench:proxy -- [--rate 1000] [--connections 16] [--bytes 1024] [--seconds 10] [--rounds 3] [--json]`: the
 * latency that two sidecars add, without and with mTLS, against the same server asked directly in the same run, and the
 * memory of a sidecar. The three take turns in each round.
 */
import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { type LoadResult, runLoad } from './bench-proxy/load.ts'
import { type BenchWorld, type Memory, startBenchWorld } from './bench-proxy/world.ts'

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

const arms = ['direct', 'plain', 'mtls'] as const
type Arm = (typeof arms)[number]

interface Quantiles {
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

interface Measured extends Quantiles {
  readonly errors: number
}

const memory: Record<string, readonly [Memory, Memory]> = {}
const rounds: Record<Arm, Measured>[] = []
const load = loadavg()[0] ?? 0
for (const services of SERVICES) {
  const world = await startBenchWorld(services)
  if (services === SERVICES[0])
    for (let round = 0; round < Number(values.rounds); round += 1) rounds.push(await measure(world, round))
  else await ask(world, 'mtls', Number(values.seconds))
  memory[services] = await world.memory()
  await world.stop()
}

const absolute = { direct: medians('direct'), plain: medians('plain'), mtls: medians('mtls') }
const added = { plain: difference('plain'), mtls: difference('mtls') }
if (values.json) {
  const machine = { cores: availableParallelism(), model: cpus()[0]?.model, loadBefore: load, loadAfter: loadavg()[0] }
  console.log(JSON.stringify({ machine, ...shape, bars: BARS, absolute, added, memory, rounds }, undefined, 2))
} else print()

/** One turn of each, another one first each time. */
async function measure(world: BenchWorld, round: number): Promise<Record<Arm, Measured>> {
  const measured: Partial<Record<Arm, Measured>> = {}
  for (const index of arms.keys()) {
    const arm = arms[(index + round) % arms.length] ?? 'direct'
    await ask(world, arm, WARM_UP_SECONDS)
    const { latencies, errors } = await ask(world, arm, Number(values.seconds))
    measured[arm] = { ...quantilesOf(latencies), errors }
  }
  return measured as Record<Arm, Measured>
}

function ask(world: BenchWorld, arm: Arm, seconds: number): Promise<LoadResult> {
  const { hostname, port } = new URL(world.urls[arm])
  return runLoad({ ...shape, host: hostname, port: Number(port), seconds })
}

function quantilesOf(latencies: readonly number[]): Quantiles {
  const sorted = latencies.toSorted((left, right) => left - right)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) }
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
  const middle = (key: keyof Quantiles) => quantilesOf(rounds.map((round) => of(round)[key])).p50
  return { p50: middle('p50'), p90: middle('p90'), p99: middle('p99') }
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
  row('direct', absolute.direct, `${errorsOf('direct')} errors`)
  row('two sidecars', absolute.plain, `${errorsOf('plain')} errors`)
  row('two sidecars, mTLS', absolute.mtls, `${errorsOf('mtls')} errors`)
  row('added by two sidecars', added.plain)
  row('added, with mTLS', added.mtls, `bars: p50 ${BARS.p50}, p99 ${BARS.p99}`)
  for (const [services, [client, server]] of Object.entries(memory)) {
    const [mine, theirs] = [client, server].map(
      ({ resident, anonymous }) => `${resident.toFixed(1)} MB (${anonymous.toFixed(1)} anonymous)`,
    )
    console.log(
      `memory at ${services} services: client's sidecar ${mine}, server's ${theirs}; bar at 100: ${BARS.residentMb} MB`,
    )
  }
}

function errorsOf(arm: Arm): number {
  return rounds.reduce((sum, round) => sum + round[arm].errors, 0)
}
