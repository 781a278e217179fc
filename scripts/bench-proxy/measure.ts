import { type LoadOptions, type LoadResult, measureWaking, runLoad, type WakeResult } from './load.ts'
import type { BenchOptions } from './options.ts'
import { readMachineTime, readProcessorSeconds } from './usage.ts'
import { type Arm, arms, type BenchWorld } from './world.ts'

export interface Measured extends LoadResult {
  /** Of each proxy that a request passes, the client's first: microseconds of processor time a request. */
  readonly processorMicros: readonly number[]
  /** Of the processors' time, what the hypervisor gave to other machines. */
  readonly stolenPercent: number
}

export interface Round {
  readonly waking: WakeResult
  readonly arms: Readonly<Record<Arm, Measured>>
}

const WARM_UP_SECONDS = 2

/** One turn of each arm, another one first each time, after a look at the machine alone. */
export async function measureRound(
  world: BenchWorld,
  program: string,
  options: BenchOptions,
  index: number,
): Promise<Round> {
  const waking = await measureWaking(program, options.rate)
  const measured: Partial<Record<Arm, Measured>> = {}
  for (const place of arms.keys()) {
    const arm = arms[(place + index) % arms.length] ?? 'direct'
    const ask = (seconds: number) => askArm(world, arm, program, { ...shapeOf(options), seconds })
    await ask(WARM_UP_SECONDS)
    measured[arm] = await observe(world.proxies(arm), options, () => ask(options.seconds))
  }
  return { waking, arms: measured as Record<Arm, Measured> }
}

export const shapeOf = ({ rate, connections, bytes }: BenchOptions) => ({ requestsPerSecond: rate, connections, bytes })

export function askArm(
  world: BenchWorld,
  arm: Arm,
  program: string,
  load: Omit<LoadOptions, 'host' | 'port'>,
): Promise<LoadResult> {
  const { hostname, port } = new URL(world.urls[arm])
  return runLoad([program], { ...load, host: hostname, port: Number(port) })
}

async function observe(
  pids: readonly number[],
  { rate, seconds }: BenchOptions,
  ask: () => Promise<LoadResult>,
): Promise<Measured> {
  const look = async () => ({
    machine: await readMachineTime(),
    proxies: await Promise.all(pids.map(readProcessorSeconds)),
  })
  const before = await look()
  const result = await ask()
  const after = await look()
  return {
    ...result,
    processorMicros: after.proxies.map(
      (until, place) => ((until - (before.proxies[place] ?? 0)) * 1e6) / (rate * seconds),
    ),
    stolenPercent:
      (100 * (after.machine.stolen - before.machine.stolen)) / Math.max(1, after.machine.all - before.machine.all),
  }
}
