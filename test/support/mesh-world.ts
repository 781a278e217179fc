import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, type ClientRequest, createServer, request, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Registry } from 'prom-client'
import {
  configMapKind,
  type KubernetesObject,
  leaseKind,
  type Pod,
  type ResourceKind,
  type VirtualService,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { createReflector, type KubeClient } from '../../src/kube/index.ts'
import { createPodToken } from '../../src/mesh/ca/index.ts'
import {
  authenticateByKey,
  type CertificateSettings,
  createControlPlane,
  type KeyFetcherSettings,
  type ReplicaSettings,
  replicaLabel,
} from '../../src/mesh/control-plane/index.ts'
import type { Observability } from '../../src/mesh/envoy/index.ts'
import { renderBootstrap, renderXdsTrust } from '../../src/mesh/envoy/index.ts'
import { controlPlaneIdentity, nodeId, rootsKey, rootsName } from '../../src/mesh/model/index.ts'
import { type Child, createLogger, silentLogger, spawnChild, systemClock } from '../../src/runtime/index.ts'
import { eventually } from './eventually.ts'
import type { MemoryApi } from './memory-api.ts'
import { namespaceName } from './mesh-objects.ts'

const tokenKey = 'key-of-the-test'

export const podToken = (pod: string, namespace = namespaceName): string => createPodToken(tokenKey, { namespace, pod })

/** A control plane over objects in memory; restarting it is stopping this one and starting another on its port. */
export async function startMesh(options: {
  readonly api: MemoryApi
  readonly host: string
  readonly port?: number
  readonly laggingAfterMs?: number
  readonly certificates?: CertificateSettings
  readonly publishesRoots?: boolean
  readonly observability?: Observability
  readonly keys?: KeyFetcherSettings
  /** One of several replicas of this name. */
  readonly replica?: string
  /** Throws where a write is to fail. */
  readonly beforeWrite?: () => void
}) {
  const stop = new AbortController()
  const client = options.api.client(options.replica ?? 'mesh', options.beforeWrite)
  const registry = new Registry()
  const lines: Record<string, unknown>[] = []
  const destination = new PassThrough()
  destination.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n')) if (line !== '') lines.push(JSON.parse(line))
  })
  const mesh = createControlPlane({
    client,
    reflectorOf: (kind) => createReflector({ client, kind, clock: systemClock, log: silentLogger }),
    xds: { host: options.host, port: options.port ?? 0, authenticate: authenticateByKey(tokenKey) },
    certificates: { pollMs: 100, ...options.certificates },
    keys: { retryMs: 100, ...options.keys },
    credentialPollMs: 100,
    publishesRoots: options.publishesRoots ?? false,
    clock: systemClock,
    log: createLogger({ name: 'mesh', destination }),
    registry,
    observability: options.observability,
    replica: options.replica === undefined ? undefined : replicaOf(options.replica, client),
    ...(options.laggingAfterMs === undefined ? {} : { laggingAfterMs: options.laggingAfterMs }),
    returnWithinMs: 3_000,
  })
  const running = mesh.start(stop.signal)
  const port = await Promise.race([mesh.serving, running.then(() => Promise.reject(new Error('the mesh ended')))])
  return {
    port,
    xds: { address: options.host, port, roots: () => rootsOf(options.api) },
    lines,
    registry,
    views: mesh.views,
    departures: mesh.departures,
    async stop() {
      stop.abort()
      await running
    },
  }
}

const replicaOf = (identity: string, client: KubeClient): ReplicaSettings => ({
  identity,
  namespace: 'istio-system',
  client,
  timings: { leaseDurationMs: 1_500, renewDeadlineMs: 1_000, retryPeriodMs: 200 },
  reports: createReflector({
    client,
    kind: leaseKind,
    clock: systemClock,
    log: silentLogger,
    namespace: 'istio-system',
    labelSelector: replicaLabel,
  }),
})

export type RunningMesh = Awaited<ReturnType<typeof startMesh>>

/** The roots that the mesh has published. */
const rootsOf = (api: MemoryApi): string =>
  api.list(configMapKind).find(({ metadata }) => metadata.name === rootsName)?.data?.[rootsKey] ?? ''

/** As the node agent would write it. */
async function writeTrust(directory: string, bundle: string) {
  const roots = { directory, path: join(directory, 'roots.pem') }
  const path = join(directory, 'trust.json')
  await writeFile(roots.path, bundle)
  await writeFile(path, renderXdsTrust(roots))
  return { path, directory }
}

/** Writes an object as its owner would, status included where it has one. */
export async function place<T extends KubernetesObject>(api: MemoryApi, kind: ResourceKind<T>, object: T): Promise<T> {
  const client = api.client('test')
  const known = await client.get(kind, object.metadata)
  // The mesh may have written a status meanwhile.
  const { resourceVersion: _, ...metadata } = { ...known?.metadata, ...object.metadata }
  const written = known
    ? await client.replace(kind, { ...object, metadata: { ...metadata, generation: known.metadata.generation ?? 1 } })
    : await client.create(kind, object)
  if (!('status' in object)) return written
  return await client.patch(kind, object.metadata, { status: object.status }, { type: 'merge', subresource: 'status' })
}

export const readVirtualService = (api: MemoryApi, name: string, namespace: string): VirtualService | undefined =>
  api.list(virtualServiceKind).find(({ metadata }) => metadata.name === name && metadata.namespace === namespace)

export interface RunningEnvoy {
  readonly address: string
  readonly child: Child
  /** What its administration interface answers. */
  admin(path: string): Promise<string>
  /** What it wrote to standard output. */
  lines(): readonly string[]
  /** What it wrote to standard error. */
  output(): Promise<string>
  stop(): Promise<void>
}

/** As the node agent starts it. */
const drain = ['--drain-strategy', 'immediate', '--drain-time-s', '30']

export async function startEnvoy(options: {
  readonly binary: string
  readonly pod: Pod
  readonly role?: 'sidecar' | 'gateway'
  readonly xds: { readonly address: string; readonly port: number; readonly roots: () => string }
  readonly token?: string
}): Promise<RunningEnvoy> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-envoy-'))
  const { name, namespace = 'default' } = options.pod.metadata
  const address = options.pod.status?.podIP ?? ''
  const socketPath = join(directory, 'admin.sock')
  const bootstrap = renderBootstrap({
    nodeId: nodeId({ role: options.role ?? 'sidecar', address, pod: name, namespace }),
    nodeCluster: `${name}.${namespace}`,
    xds: {
      ...options.xds,
      token: options.token ?? podToken(name, namespace),
      trust: { ...(await writeTrust(directory, options.xds.roots())), identity: controlPlaneIdentity },
    },
    metrics: { address, port: 15_090 },
    adminSocketPath: socketPath,
  })
  const path = join(directory, 'envoy.json')
  await writeFile(path, bootstrap, { mode: 0o600 })
  const stdout = new PassThrough()
  const written: Buffer[] = []
  stdout.on('data', (chunk: Buffer) => written.push(chunk))
  const stderr = new PassThrough()
  const chunks: Buffer[] = []
  stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  const child = spawnChild({
    command: options.binary,
    args: [
      '-c',
      path,
      '--disable-hot-restart',
      ...drain,
      '--concurrency',
      '1',
      '-l',
      'warn',
      '--file-flush-interval-msec',
      '100',
    ],
    env: {},
    stdout,
    stderr,
    log: silentLogger,
  })
  return {
    address,
    child,
    admin: async (path) => (await get(`http://localhost${path}`, { socketPath })).body,
    lines: () =>
      Buffer.concat(written)
        .toString()
        .split('\n')
        .filter((line) => line !== ''),
    output: async () => Buffer.concat(chunks).toString(),
    async stop() {
      await child.stop({ graceMs: 2_000 })
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export const untilEnvoyReady = (envoy: RunningEnvoy): Promise<unknown> =>
  eventually(
    async () => {
      const { status } = await get(`http://${envoy.address}:15090/ready`)
      return status === 200
    },
    { within: 20_000, what: `Envoy at ${envoy.address} is ready` },
  )

export interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** Failures of the connection are status 0. */
export function get(
  url: string,
  options: {
    readonly headers?: Readonly<Record<string, string>>
    readonly agent?: Agent
    readonly method?: string
    readonly socketPath?: string
    /** How long no byte may come; 10 s when absent. */
    readonly patienceMs?: number
  } = {},
): Promise<Answer> {
  const { patienceMs, ...rest } = options
  return answerTo(request(url, { ...rest, agent: options.agent ?? false }), patienceMs)
}

/** Sends a request without a body. */
export const answerTo = (asked: ClientRequest, patienceMs = 10_000): Promise<Answer> =>
  new Promise((resolve) => {
    const failed = (error: Error) => resolve({ status: 0, body: error.message, headers: {} })
    asked.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('error', failed)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }))
    })
    asked.setTimeout(patienceMs, () => asked.destroy(new Error(`no answer within ${patienceMs / 1_000} s`)))
    asked.on('error', failed)
    asked.end()
  })

/** Sends the requests over a few connections and counts what answered. */
export async function sendMany(
  url: string,
  count: number,
  headers: Readonly<Record<string, string>> = {},
  connections = 8,
): Promise<ReadonlyMap<string, number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const answers = new Map<string, number>()
  let left = count
  const worker = async () => {
    while (left > 0) {
      left -= 1
      const { status, body } = await get(url, { headers, agent })
      const key = status === 200 ? body : String(status)
      answers.set(key, (answers.get(key) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  agent.destroy()
  return answers
}

export interface Backend {
  /** Says its name; tests change how it answers. The first of `failures` requests get 503. */
  readonly behaviour: { status: number; delayMs: number; hangs: boolean; failures: number }
  readonly requests: {
    readonly at: number
    readonly url: string
    readonly host: string
    readonly headers: Readonly<Record<string, unknown>>
  }[]
  stop(): Promise<void>
}

/** An address that is a path is that of a socket. */
export async function startBackend(name: string, address: string, port = 8080): Promise<Backend> {
  const behaviour = { status: 200, delayMs: 0, hangs: false, failures: 0 }
  const requests: { at: number; url: string; host: string; headers: Record<string, unknown> }[] = []
  const server: Server = createServer(async (incoming, response) => {
    const { url = '', headers } = incoming
    requests.push({ at: performance.now(), url, host: headers.host ?? '', headers })
    if (behaviour.hangs) return
    if (behaviour.delayMs > 0) await systemClock.sleep(behaviour.delayMs)
    behaviour.failures -= 1
    response.writeHead(behaviour.failures >= 0 ? 503 : behaviour.status).end(name)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.startsWith('/') ? { path: address } : { host: address, port }, resolve)
  })
  return {
    behaviour,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The samples of one metric that an Envoy shows, its prefix taken off as Prometheus does. */
export async function samplesOf(envoy: { readonly address: string }, metric: string): Promise<readonly Sample[]> {
  const { body } = await get(`http://${envoy.address}:15090/stats/prometheus`)
  return body
    .split('\n')
    .map((line) => /^(?:envoy_mesh_)?(\w+)\{(.*)\} ([\d.e+]+)$/.exec(line))
    .flatMap((match) => {
      const [, name, labels, value] = match ?? []
      if (name !== metric) return []
      // An empty label is none, as in Prometheus.
      const pairs = [...(labels ?? '').matchAll(/(\w+)="([^"]+)"/g)].map(([, key, text]) => [key, text] as const)
      return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
    })
}

/** Sum of the samples whose labels have all the given values. */
export const sumOf = (samples: readonly Sample[], wanted: Readonly<Record<string, string>>): number =>
  samples
    .filter(({ labels }) => Object.entries(wanted).every(([key, value]) => labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0)
