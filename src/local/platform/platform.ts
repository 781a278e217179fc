import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { publishedPort } from '../../api/index.ts'
import { createKubeClient, type KubeClient } from '../../kube/index.ts'
import { renderBootstrap } from '../../mesh/envoy/index.ts'
import { type Clock, type Logger, messageOf, untilAborted } from '../../runtime/index.ts'
import { createContainerLog, createNodeAgent, type NodeAgent, type PodTiming } from '../node-agent/index.ts'
import { createPrometheus, createTargetWriter, type Prometheus } from '../prometheus/index.ts'
import { createWorkloadControllers } from '../workloads/index.ts'
import { type ClaimedBlock, claimBlock } from './address-block.ts'
import { lockDirectory } from './directory-lock.ts'
import { installDefinitions } from './install-definitions.ts'
import { stopInOrder } from './stop-in-order.ts'
import { createSupervisedChild, type SupervisedChild } from './supervised-child.ts'

export interface LocalPlatformOptions {
  readonly dataDirectory: string
  /** Paths of the programs. */
  readonly tools: { readonly envoy: string; readonly prometheus: string }
  /** Command lines of `sluice mesh` and `sluice controller`; their flags are added here. */
  readonly children: { readonly mesh: readonly string[]; readonly controller: readonly string[] }
  readonly clock: Clock
  readonly log: Logger
  readonly random?: () => number
  /** The environment of this process, as its children may need it; `process.env` when absent. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly timing?: Partial<PodTiming>
}

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

const READY_MS = 60_000
const XDS_PORT = 15_010
const PROMETHEUS_PORT = 9_090
const CONTROLLER_PORT = 8_080
const MESH_PORT = 8_081

/** A whole platform in one process and its children, on one data directory. Nothing happens before `start`. */
export function createLocalPlatform(options: LocalPlatformOptions): LocalPlatform {
  const ready = Promise.withResolvers<void>()
  // Whoever does not wait for it hears of the failure from `start`.
  ready.promise.catch(() => {})
  let parts: Parts | undefined
  const known = (): Parts => {
    if (parts === undefined) throw new Error('the platform has not been started yet')
    return parts
  }
  return {
    kubeconfigPath: join(options.dataDirectory, 'kubeconfig'),
    ready: ready.promise,
    get block() {
      return known().block.prefix
    },
    get prometheusUrl() {
      return known().prometheus.url
    },
    describe: () => describe(options, known()),
    async start(signal) {
      try {
        await mkdir(options.dataDirectory, { recursive: true, mode: 0o700 })
        const lock = await lockDirectory(options.dataDirectory)
        try {
          await run(options, signal, { ready: ready.resolve, built: (built) => (parts = built) })
        } finally {
          lock.release()
        }
        ready.reject(new Error('the platform was stopped before it was ready'))
      } catch (error) {
        ready.reject(error)
        throw error
      }
    },
  }
}

interface Parts {
  readonly block: ClaimedBlock
  readonly agent: NodeAgent
  readonly prometheus: Prometheus
  readonly mesh: SupervisedChild
  readonly controller: SupervisedChild
  readonly starts: readonly (readonly ((signal: AbortSignal) => Promise<void>)[])[]
}

interface Told {
  readonly ready: () => void
  readonly built: (parts: Parts) => void
}

async function run(options: LocalPlatformOptions, signal: AbortSignal, told: Told): Promise<void> {
  let agent: NodeAgent | undefined
  const block = await claimBlock({
    dataDirectory: join(options.dataDirectory, 'api-server'),
    kubeconfigPath: join(options.dataDirectory, 'kubeconfig'),
    clock: options.clock,
    log: options.log.child({ part: 'api-server' }),
    logSource: {
      readLog(request, stop) {
        if (agent === undefined) throw new Error('the node agent is still starting')
        return agent.readLog(request, stop)
      },
    },
  })
  const build = async (): Promise<Parts> => {
    const client = createKubeClient({
      kubeconfig: join(options.dataDirectory, 'kubeconfig'),
      fieldManager: 'sluice-local',
    })
    await installDefinitions(client, options.clock, signal)
    return buildParts(options, block, client)
  }
  const runParts = async (stop: AbortSignal): Promise<void> => {
    const parts = await build()
    agent = parts.agent
    told.built(parts)
    await stopInOrder(stop, [
      [...(parts.starts[0] ?? []), (early) => untilReady(options, parts, { ...told, signal: early })],
      ...parts.starts.slice(1),
    ])
  }
  await stopInOrder(signal, [[runParts], [block.serve]])
}

async function buildParts(options: LocalPlatformOptions, block: ClaimedBlock, client: KubeClient): Promise<Parts> {
  const { clock, dataDirectory, environment = process.env, random = Math.random } = options
  const host = `${block.prefix}.0.1`
  const token = randomBytes(32).toString('hex')
  const tokenFile = join(dataDirectory, 'xds-token')
  await writeFile(tokenFile, `${token}\n`, { mode: 0o600 })
  const common = (part: string) => ({ client, clock, random, log: options.log.child({ part }) })
  const agent = createNodeAgent({
    ...common('node-agent'),
    prefix: block.prefix,
    directory: dataDirectory,
    sidecar: { envoy: options.tools.envoy, xds: { address: host, port: XDS_PORT, token }, renderBootstrap },
    environment,
    ...(options.timing === undefined ? {} : { timing: options.timing }),
  })
  const prometheus = createPrometheus({
    ...common('prometheus'),
    binary: options.tools.prometheus,
    directory: join(dataDirectory, 'prometheus'),
    host,
    port: PROMETHEUS_PORT,
  })
  const kubeconfig = ['--kubeconfig', join(dataDirectory, 'kubeconfig')]
  const mesh = createProcess(options, 'mesh', `${host}:${MESH_PORT}`, [
    ...options.children.mesh,
    ...kubeconfig,
    ...['--xds-listen', `${host}:${XDS_PORT}`, '--xds-token-file', tokenFile],
  ])
  const controller = createProcess(options, 'controller', `${host}:${CONTROLLER_PORT}`, [
    ...options.children.controller,
    ...kubeconfig,
    ...['--metrics-server', prometheus.url, '--scrape-interval', '1s', '--mesh-provider', 'mesh'],
  ])
  const workloads = createWorkloadControllers(common('workloads'))
  const targets = createTargetWriter({ ...common('prometheus'), prometheus })
  const starts = [
    // Whatever acts on objects stops before what it needs.
    [controller.start, workloads.start, targets.start, agent.start],
    [mesh.start, prometheus.start],
  ]
  return { block, agent, prometheus, mesh, controller, starts }
}

/** One of our own processes, with its probes at an address of the block. */
function createProcess(
  options: LocalPlatformOptions,
  name: 'mesh' | 'controller',
  listen: string,
  argv: readonly string[],
): SupervisedChild {
  const { clock, log, dataDirectory, environment = process.env, random = Math.random } = options
  const output = join(dataDirectory, 'processes', name)
  return createSupervisedChild({
    name: `sluice ${name}`,
    argv: [...argv, '--listen', listen],
    env: environment,
    output: createContainerLog(output),
    outputPath: join(output, 'current.log'),
    isReady: (signal) => answersReady(`http://${listen}/readyz`, signal),
    clock,
    log: log.child({ part: name }),
    random,
  })
}

async function answersReady(url: string, signal: AbortSignal): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(1_000)]) })
  await response.arrayBuffer()
  return response.ok
}

/** Ends with the signal; rejects when a part can not become ready, and with it the platform stops. */
async function untilReady(
  options: LocalPlatformOptions,
  parts: Parts,
  { ready, signal }: Pick<Told, 'ready'> & { readonly signal: AbortSignal },
): Promise<void> {
  const waits = {
    Prometheus: parts.prometheus.ready,
    'sluice mesh': parts.mesh.ready,
    'sluice controller': parts.controller.ready,
  }
  const missing = new Set(Object.keys(waits))
  const all = Promise.all(Object.entries(waits).map(([name, wait]) => wait.then(() => missing.delete(name))))
  const patience = new AbortController()
  const stop = AbortSignal.any([signal, patience.signal])
  const late = options.clock.sleep(READY_MS, stop).then(() => {
    if (!stop.aborted) throw new Error(`not ready after ${READY_MS / 1_000} s: ${[...missing].join(', ')}`)
  })
  try {
    await Promise.race([all.then(ready), late])
  } catch (error) {
    if (!signal.aborted) throw new Error(`the local platform could not start: ${messageOf(error)}`, { cause: error })
  } finally {
    patience.abort()
  }
  await untilAborted(signal)
}

function describe(options: LocalPlatformOptions, { block, agent, prometheus }: Parts): string {
  const gateways = agent
    .gateways()
    .map(({ name, address }) => `gateway     ${address} (${name}; port 80 is ${publishedPort(80)})`)
  return [
    `export KUBECONFIG=${join(options.dataDirectory, 'kubeconfig')}`,
    `API server  ${block.api.url}`,
    `Prometheus  ${prometheus.url}`,
    ...gateways,
  ].join('\n')
}
