import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { reachablePort } from '../../api/index.ts'
import { createKubeClient } from '../../kube/index.ts'
import { type Clock, messageOf, untilAborted } from '../../runtime/index.ts'
import type { NodeAgent } from '../node-agent/index.ts'
import { type ClaimedBlock, claimBlock } from './address-block.ts'
import { lockDirectory } from './directory-lock.ts'
import { installDefinitions } from './install-definitions.ts'
import type { LocalPlatformOptions } from './options.ts'
import { buildParts, type Parts } from './parts.ts'
import { stopInOrder } from './stop-in-order.ts'
import { markPodsUnready } from './unready-pods.ts'

export interface LocalPlatform {
  readonly kubeconfigPath: string
  /** Such as `127.64`; known once ready, as is the address of Prometheus. */
  readonly block: string
  readonly prometheusUrl: string
  /** Resolves when the API server, Prometheus, mesh and controller answer; rejects with the reason when one can not. */
  readonly ready: Promise<void>
  /** Where everything is, for people. */
  describe(): string
  /** Runs until the signal fires; nothing that it started runs when it settles. */
  start(signal: AbortSignal): Promise<void>
}

/** Long, since a busy machine takes its time: what fails ends early and is heard of at once. */
const READY_MS = 120_000

/** A whole platform in one process and its children, on one data directory. Nothing happens before `start`. */
export function createLocalPlatform(options: LocalPlatformOptions): LocalPlatform {
  const ready = Promise.withResolvers<void>()
  // Whoever does not wait for it hears of the failure from `start`.
  ready.promise.catch(() => {})
  let running: Running | undefined
  const known = (): Running => {
    if (running === undefined) throw new Error('the platform has not been started yet')
    return running
  }
  return {
    kubeconfigPath: kubeconfigOf(options),
    ready: ready.promise,
    get block() {
      return known().block.prefix
    },
    get prometheusUrl() {
      return known().parts.prometheus.url
    },
    describe: () => describe(options, known()),
    async start(signal) {
      const told: Told = {
        ready: ready.resolve,
        running(now) {
          running = now
        },
      }
      try {
        await runLocked(options, told, signal)
        ready.reject(new Error('the platform was stopped before it was ready'))
      } catch (error) {
        ready.reject(error)
        throw error
      }
    },
  }
}

interface Running {
  readonly block: ClaimedBlock
  readonly parts: Parts
}

/** Who is told what while it starts. */
interface Told {
  readonly running: (now: Running) => void
  readonly ready: () => void
}

const kubeconfigOf = ({ dataDirectory }: LocalPlatformOptions): string => join(dataDirectory, 'kubeconfig')

async function runLocked(options: LocalPlatformOptions, told: Told, signal: AbortSignal): Promise<void> {
  await mkdir(options.dataDirectory, { recursive: true, mode: 0o700 })
  const lock = await lockDirectory(options.dataDirectory)
  try {
    await run(options, told, signal)
  } finally {
    lock.release()
  }
}

/** The API server is there before everything else, and goes after it. */
async function run(options: LocalPlatformOptions, told: Told, signal: AbortSignal): Promise<void> {
  let agent: NodeAgent | undefined
  const block = await claimBlock(
    {
      dataDirectory: join(options.dataDirectory, 'api-server'),
      kubeconfigPath: kubeconfigOf(options),
      clock: options.clock,
      log: options.log.child({ part: 'api-server' }),
      logSource: {
        readLog(request, stop) {
          if (agent === undefined) throw new Error('the node agent is still starting')
          return agent.readLog(request, stop)
        },
      },
    },
    options.isolation,
  )
  const runParts = async (stop: AbortSignal): Promise<void> => {
    const client = createKubeClient({ kubeconfig: kubeconfigOf(options), fieldManager: 'sluice-local' })
    await installDefinitions(client, options.clock, stop, options.flaggerCompat)
    await markPodsUnready(client)
    const parts = await buildParts({
      ...options,
      prefix: block.prefix,
      network: block.network,
      client,
      kubeconfigPath: kubeconfigOf(options),
    })
    agent = parts.agent
    told.running({ block, parts })
    const watched = (early: AbortSignal) => watchStart(options.clock, parts, told.ready, early)
    await stopInOrder(stop, [[...parts.acting, watched], parts.serving])
  }
  await stopInOrder(signal, [[runParts], [block.serve]])
}

/** Ends with the signal; rejects when a part can not become ready, and with it the platform stops. */
async function watchStart(clock: Clock, parts: Parts, ready: () => void, signal: AbortSignal): Promise<void> {
  const waits = {
    Prometheus: parts.prometheus.ready,
    'sluice mesh': parts.mesh.ready,
    'sluice controller': parts.controller.ready,
  }
  const missing = new Set(Object.keys(waits))
  const all = Promise.all(Object.entries(waits).map(([name, wait]) => wait.then(() => missing.delete(name))))
  const settled = new AbortController()
  const waiting = AbortSignal.any([signal, settled.signal])
  const late = clock.sleep(READY_MS, waiting).then(() => {
    if (!waiting.aborted) throw new Error(`not ready after ${READY_MS / 1_000} s: ${[...missing].join(', ')}`)
  })
  try {
    await Promise.race([all.then(ready), late])
  } catch (error) {
    if (!signal.aborted) throw new Error(`the local platform could not start: ${messageOf(error)}`, { cause: error })
  } finally {
    settled.abort()
  }
  await untilAborted(signal)
}

function describe(options: LocalPlatformOptions, { block, parts }: Running): string {
  const gateways = parts.agent
    .gateways()
    .map(({ name, address }) => `gateway     ${address} (${name}; port 80 is ${reachablePort(address, 80)})`)
  return [
    `export KUBECONFIG=${kubeconfigOf(options)}`,
    `API server  ${block.api.url}`,
    `Prometheus  ${parts.prometheus.url}`,
    ...gateways,
  ].join('\n')
}
