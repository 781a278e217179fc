/**
 * `npm run bench:xds -- [--proxies N,M] [--services N] [--rounds N] [--alone] [--json]`: how long a changed weight takes
 * until the last of N simulated proxies has accepted it; the same with go-control-plane's snapshot cache in the same
 * run, unless `--alone`.
 */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type BenchProcess, type Changed, type Converged, type Listening, startProcess } from './bench-xds/messages.ts'
import { changingResource, writeReferenceWorld } from './bench-xds/reference-world.ts'
import { buildGoTool } from './go-tools.ts'

const { values } = parseArgs({
  options: {
    proxies: { type: 'string', default: '1000' },
    services: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '100' },
    alone: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const [services, rounds] = [Number(values.services), Number(values.rounds)]

interface Contender {
  readonly name: string
  start(proxies: number): Promise<BenchProcess>
}

interface Measured {
  readonly proxies: number
  readonly server: string
  readonly startMs: number
  /** Processes that waited for a processor, at the end. */
  readonly load: number
  readonly medianProxy: Percentiles
  readonly lastProxy: Percentiles
  readonly residentMb: number
  readonly cpuMsPerRound: number
  /** Of the simulated proxies together: they share the processors. */
  readonly proxiesCpuMsPerRound: number
}

interface Percentiles {
  readonly p50: number
  readonly p99: number
}

const script = (name: string): string => join(import.meta.dirname, 'bench-xds', name)
const node = (name: string, ...args: readonly (string | number)[]): BenchProcess =>
  startProcess(process.execPath, [script(name), ...args.map(String)])

const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-xds-'))
const sluice: Contender = {
  name: 'sluice',
  start: async (proxies) => node('sluice-server.ts', services, proxies),
}
const reference: Contender = {
  name: 'go-control-plane',
  async start(proxies) {
    const program = await buildGoTool('go-control-plane', (line) => console.error(line))
    const world = join(directory, `${proxies}.json`)
    await writeReferenceWorld(world, { services, proxies })
    return startProcess(program, [world, changingResource])
  },
}

const contenders = values.alone ? [sluice] : [sluice, reference]
const results: Measured[] = []
try {
  for (const proxies of values.proxies.split(',').map(Number)) {
    for (const contender of contenders) results.push(await measure(contender, proxies))
  }
} finally {
  await rm(directory, { recursive: true, force: true })
}
if (values.json) console.log(JSON.stringify({ cores: availableParallelism(), services, rounds, results }, undefined, 2))
else print()

async function measure({ name, start }: Contender, proxies: number): Promise<Measured> {
  const server = await start(proxies)
  const { port } = await server.hear<Listening>()
  const began = performance.now()
  const clients = node('proxies.ts', port, services, proxies)
  try {
    await clients.hear()
    const startMs = Math.round(performance.now() - began)
    const median: number[] = []
    const last: number[] = []
    const before = [cpuMs(server.pid), cpuMs(clients.pid)] as const
    for (let round = 1; round <= rounds; round += 1) {
      clients.say(`expect ${round}`)
      await clients.hear()
      server.say(`change ${round}`)
      const { at } = await server.hear<Changed>()
      const converged = await clients.hear<Converged>()
      median.push(milliseconds(at, converged.median))
      last.push(milliseconds(at, converged.last))
    }
    const perRound = (used: number): number => Math.round(used / rounds)
    const residentMb = residentMegabytes(server.pid)
    return {
      proxies,
      server: name,
      startMs,
      load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
      medianProxy: percentiles(median),
      lastProxy: percentiles(last),
      residentMb,
      cpuMsPerRound: perRound(cpuMs(server.pid) - before[0]),
      proxiesCpuMsPerRound: perRound(cpuMs(clients.pid) - before[1]),
    }
  } finally {
    await Promise.all([clients.stop(), server.stop()])
  }
}

function milliseconds(from: string, to: string): number {
  return Number(BigInt(to) - BigInt(from)) / 1e6
}

function percentiles(samples: readonly number[]): Percentiles {
  const sorted = samples.toSorted((left, right) => left - right)
  const at = (share: number) => Math.round((sorted[Math.ceil(share * sorted.length) - 1] ?? 0) * 10) / 10
  return { p50: at(0.5), p99: at(0.99) }
}

/** User and system time so far; Linux counts in hundredths of a second. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function residentMegabytes(pid: number): number {
  const [, kilobytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kilobytes) / 1024)
}

function print(): void {
  console.log(`${services} services, ${rounds} weight changes; milliseconds`)
  for (const measured of results) {
    const { proxies, server, lastProxy, medianProxy, residentMb, cpuMsPerRound, startMs, load } = measured
    console.log(
      `${proxies} proxies, ${server}: last proxy p50 ${lastProxy.p50}, p99 ${lastProxy.p99}; median proxy p50 ${medianProxy.p50};` +
        ` server ${residentMb} MB, ${cpuMsPerRound} ms CPU a change (proxies ${measured.proxiesCpuMsPerRound}); all connected within ${startMs}; load average ${load}`,
    )
    const other = results.find((each) => each.proxies === proxies && each.server !== server)
    if (server !== reference.name || other === undefined) continue
    const ratio = (of: (each: Measured) => number): string => `${(of(measured) / of(other)).toFixed(1)}x`
    console.log(
      `${proxies} proxies, ${server} against ${other.server}: last proxy p50 ${ratio((each) => each.lastProxy.p50)},` +
        ` p99 ${ratio((each) => each.lastProxy.p99)}; memory ${ratio((each) => each.residentMb)}, CPU ${ratio((each) => each.cpuMsPerRound)}`,
    )
  }
}
