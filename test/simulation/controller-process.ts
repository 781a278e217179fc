import { Registry } from 'prom-client'
import type { Analyst } from '../../src/analysis/index.ts'
import type { Random } from '../../src/cli/simulate/random.ts'
import { startController } from '../../src/controller/index.ts'
import type { HookCaller } from '../../src/hooks/index.ts'
import { messageOf, silentLogger } from '../../src/runtime/index.ts'
import { buildVerdict } from '../support/canary-objects.ts'
import type { MemoryApi } from '../support/memory-api.ts'
import type { Invariants } from './invariants.ts'
import type { ModelledCluster } from './modelled-cluster.ts'
import type { ProcessClock, SimulatedTime } from './simulated-time.ts'
import { createUnreliableClient } from './unreliable-client.ts'
import type { Versions } from './versions.ts'

export interface World {
  readonly api: MemoryApi
  readonly time: SimulatedTime
  readonly random: Random
  readonly cluster: ModelledCluster
  readonly invariants: Invariants
  readonly versions: Versions
  /** Share of the calls that go wrong now. */
  faults: number
  isGateOpen: boolean
}

export interface ControllerProcess {
  readonly name: string
  readonly clock: ProcessClock
  /** As `kill -9`: what is on its way to the API may still arrive. */
  kill(): void
}

/** The real controller on a network that fails, with metrics that tell what is true of the pods that run. */
export function startProcess(world: World, name: string): ControllerProcess {
  const stop = new AbortController()
  const clock = world.time.createClock()
  let isDead = false
  const client = createUnreliableClient(world.api.client(name), {
    ...world,
    faults: () => world.faults,
    isDead: () => isDead,
  })
  const running = startController(
    {
      client,
      analyst: truthfulAnalyst(world),
      hooks: gateOf(world),
      notifier: { send: async () => 'sent', drain: async () => undefined },
      clock,
      log: silentLogger,
      random: world.random,
      defaults: { metricsServer: 'http://prometheus:9090', provider: 'mesh' },
      registry: new Registry(),
    },
    stop.signal,
  )
  running.catch((error: unknown) => world.invariants.note(`VIOLATED: ${name} ended: ${messageOf(error)}`))
  return {
    name,
    clock,
    kill() {
      isDead = true
      stop.abort()
    },
  }
}

const truthfulAnalyst = (world: World): Analyst => ({
  async measure({ checks, window }, signal) {
    const { time, random, cluster, invariants, versions } = world
    const askedAt = time.now()
    const image = versions.of('web')
    await time.sleep(5 + random() * (random() < world.faults ? 20_000 : 500), signal)
    const truth = cluster.versions.get(image ?? '')?.verdict ?? 'no-data'
    const state = random() < world.faults ? 'no-data' : truth
    if (state === 'passed' && image !== undefined) invariants.passed(image, askedAt)
    return checks.map(({ metric }) => ({ ...buildVerdict(state, window.endMs), metric: metric.name }))
  },
})

const gateOf = (world: World): HookCaller => ({
  async call(hook) {
    await world.time.sleep(5 + world.random() * 200)
    const ok = world.isGateOpen
    return { ok, status: ok ? 200 : 403, message: `${hook.name} answered ${ok ? 200 : 403}` }
  },
})
