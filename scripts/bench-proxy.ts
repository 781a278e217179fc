/**
 * `npm run bench:proxy -- [--rate 1000] [--connections 16] [--bytes 1024] [--seconds 10] [--rounds 3]
 * [--awake poll|loops] [--json]`: the latency that two sidecars add, without and with mTLS, against the same server asked
 * directly and against two Envoys that do nothing but pass on, in the same run; the processor time that a request costs
 * them, and the memory of a sidecar, as root that of an injected one too. All take turns in each round.
 */
import { availableParallelism, cpus, loadavg } from 'node:os'
import { keepAwake } from './bench-proxy/awake.ts'
import { interceptedMemory } from './bench-proxy/intercepted.ts'
import { askArm, measureRound, type Round, shapeOf } from './bench-proxy/measure.ts'
import { readOptions } from './bench-proxy/options.ts'
import { bars, latencyLines, memoryLine } from './bench-proxy/report.ts'
import { summarize } from './bench-proxy/summary.ts'
import type { Memory } from './bench-proxy/usage.ts'
import { startBenchWorld } from './bench-proxy/world.ts'
import { buildGoTool } from './go-tools.ts'

const options = readOptions(process.argv.slice(2))
const { rate, connections, bytes, seconds, awake } = options
const SERVICES = [2, 100] as const

// Each child that writes to it adds two.
process.stderr.setMaxListeners(30)
const program = await buildGoTool('open-loop', (line) => console.error(line))
const memory: Record<string, readonly Memory[]> = {}
const rounds: Round[] = []
const loadBefore = loadAverage()
await using _awake = await keepAwake(awake)
for (const services of SERVICES) {
  const world = await startBenchWorld(program, services)
  if (services === SERVICES[0]) {
    for (let round = 0; round < options.rounds; round += 1)
      rounds.push(await measureRound(world, program, options, round))
  } else await askArm(world, 'mtls', program, { ...shapeOf(options), seconds })
  memory[services] = await world.memory()
  await world.stop()
}
const intercepted = await interceptedMemory(program, SERVICES[1], { ...shapeOf(options), seconds })

const machine = { cores: availableParallelism(), model: cpus()[0]?.model, loadBefore, loadAfter: loadAverage(), awake }
const summary = summarize(rounds)
if (options.json)
  console.log(JSON.stringify({ machine, options, bars, summary, memory, intercepted, rounds }, undefined, 2))
else for (const line of lines()) console.log(line)

function loadAverage(): number {
  return loadavg()[0] ?? 0
}

function lines(): readonly string[] {
  const idle = awake === undefined ? 'sleep when idle' : `are kept awake (${awake})`
  return [
    `${rate} requests a second, ${connections} connections, ${bytes} bytes each way, open loop`,
    `load average ${loadBefore.toFixed(1)} before, ${machine.loadAfter.toFixed(1)} after; ${machine.cores} processors, which ${idle}`,
    ...latencyLines(summary),
    ...Object.entries(memory).map(([services, sidecars]) =>
      memoryLine(`memory at ${services} services, a listener for each`, sidecars),
    ),
    ...(intercepted === undefined ? [] : [memoryLine(`memory at ${SERVICES[1]} services, intercepted`, intercepted)]),
    `bar of memory at ${SERVICES[1]} services: ${bars.residentMb} MB`,
  ]
}
