/**
 * `npm run bench:xds -- [--proxies N] [--services N] [--rounds N] [--json]`: how long a changed weight takes until the
 * last of N simulated proxies has accepted it; the same with go-control-plane's snapshot cache in the same run.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type BenchProcess, type Changed, type Converged, type Listening, startProcess } from './bench-xds/messages.ts'

const { values } = parseArgs({
  options: {
    proxies: { type: 'string', default: '1000' },
    services: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '100' },
    json: { type: 'boolean', default: false },
  },
})
const [proxies, services, rounds] = [Number(values.proxies), Number(values.services), Number(values.rounds)]

interface Contender {
  readonly name: string
  readonly protocol: 'delta' | 'state of the world'
  start(): BenchProcess
}

interface Measured {
  readonly server: string
  readonly protocol: string
  readonly startMs: number
  readonly medianProxy: Percentiles
  readonly lastProxy: Percentiles
  readonly residentMb: number
  readonly cpuMsPerRound: number
}

interface Percentiles {
  readonly p50: number
  readonly p99: number
}

const script = (name: string): string => join(import.meta.dirname, 'bench-xds', name)
const node = (name: string, ...args: readonly (string | number)[]): BenchProcess =>
  startProcess(process.execPath, [script(name), ...args.map(String)])

const sluice = (protocol: Contender['protocol']): Contender => ({
  name: 'sluice',
  protocol,
  start: () => node('sluice-server.ts', services, proxies),
})

const contenders: readonly Contender[] = [sluice('delta')]
const results: Measured[] = []
for (const contender of contenders) results.push(await measure(contender))
if (values.json)
  console.log(JSON.stringify({ cores: availableParallelism(), proxies, services, rounds, results }, undefined, 2))
else print()

async function measure({ name, protocol, start }: Contender): Promise<Measured> {
  const began = performance.now()
  const server = start()
  const { port } = await server.hear<Listening>()
  const clients = node('proxies.ts', `127.0.0.1:${port}`, protocol, services, proxies)
  try {
    await clients.hear()
    const startMs = Math.round(performance.now() - began)
    const median: number[] = []
    const last: number[] = []
    const cpuBefore = cpuMs(server.pid)
    for (let round = 1; round <= rounds; round += 1) {
      clients.say(`expect ${round}`)
      await clients.hear()
      server.say(`change ${round}`)
      const { at } = await server.hear<Changed>()
      const converged = await clients.hear<Converged>()
      median.push(milliseconds(at, converged.median))
      last.push(milliseconds(at, converged.last))
    }
    const cpuMsPerRound = Math.round((cpuMs(server.pid) - cpuBefore) / rounds)
    const residentMb = residentMegabytes(server.pid)
    return {
      server: name,
      protocol,
      startMs,
      medianProxy: percentiles(median),
      lastProxy: percentiles(last),
      residentMb,
      cpuMsPerRound,
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
  console.log(`${proxies} simulated proxies, ${services} services, ${rounds} weight changes; milliseconds`)
  for (const { server, protocol, lastProxy, medianProxy, residentMb, cpuMsPerRound, startMs } of results) {
    console.log(
      `${server}, ${protocol}: last proxy p50 ${lastProxy.p50}, p99 ${lastProxy.p99}; median proxy p50 ${medianProxy.p50};` +
        ` server ${residentMb} MB, ${cpuMsPerRound} ms CPU a change; all connected after ${startMs}`,
    )
  }
}
