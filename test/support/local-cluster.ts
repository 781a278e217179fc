import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type KubernetesObject,
  type LocalImage,
  localImageKind,
  type Pod,
  podKind,
  type ResourceKind,
} from '../../src/api/index.ts'
import { createKubeClient, type KubeClient } from '../../src/kube/index.ts'
import { createNodeAgent, type NodeAgent, type NodeAgentOptions } from '../../src/local/node-agent/index.ts'
import { claimBlock } from '../../src/local/platform/address-block.ts'
import { installDefinitions } from '../../src/local/platform/install-definitions.ts'
import { createWorkloadControllers } from '../../src/local/workloads/index.ts'
import { type Logger, silentLogger, systemClock } from '../../src/runtime/index.ts'

export interface LocalCluster extends AsyncDisposable {
  /** What the pods need until they have ended, and what needs the API server, ends in between. */
  [Symbol.asyncDispose](between?: () => Promise<void>): Promise<void>
  readonly client: KubeClient
  readonly agent: NodeAgent
  readonly prefix: string
  readonly directory: string
  /** Stops agent and workloads, and starts new ones over the same objects and files. */
  restartNode(): Promise<void>
  apply(...objects: readonly KubernetesObject[]): Promise<void>
  pod(name: string): Promise<Pod>
  log(pod: string, container?: string): Promise<string>
}

export interface LocalClusterOptions {
  readonly timing?: NodeAgentOptions['timing']
  readonly sidecar?: NodeAgentOptions['sidecar']
  /** What depends on the address block; called once, when the API server answers. */
  readonly node?: (options: NodeOptions) => Partial<Pick<NodeAgentOptions, 'sidecar' | 'untilProxiesForget'>>
  readonly log?: Logger
}

export interface NodeOptions {
  readonly client: KubeClient
  readonly prefix: string
  readonly directory: string
}

const noSidecar: NodeAgentOptions['sidecar'] = {
  envoy: '/nonexistent/envoy',
  xds: { address: '127.0.0.1', port: 1 },
  tokenFor: () => '',
  renderBootstrap: () => '{}',
}

/** A real API server with workload controllers and a node agent, on an address block of its own. */
export async function startLocalCluster(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-cluster-'))
  const log = options.log ?? silentLogger
  const kubeconfigPath = join(directory, 'kubeconfig')
  const block = await claimBlock({ dataDirectory: directory, kubeconfigPath, clock: systemClock, log })
  const stopApi = new AbortController()
  const serving = block.serve(stopApi.signal)
  const client = createKubeClient({ kubeconfig: kubeconfigPath, fieldManager: 'test' })
  await installDefinitions(client, systemClock, stopApi.signal)
  const common = { client, clock: systemClock, log, random: Math.random }
  const place = { client, prefix: block.prefix, directory }
  const parts = { sidecar: options.sidecar ?? noSidecar, ...options.node?.(place) }
  const startNode = () => {
    const stop = new AbortController()
    const agent = createNodeAgent({
      ...common,
      prefix: block.prefix,
      directory,
      environment: process.env,
      ...parts,
      timing: { shutdownGraceMs: 500, ...options.timing },
    })
    const workloads = createWorkloadControllers(common)
    const running = Promise.all([agent.start(stop.signal), workloads.start(stop.signal)])
    return {
      agent,
      async end() {
        stop.abort()
        await running
      },
    }
  }
  let node = startNode()
  return {
    client,
    prefix: block.prefix,
    directory,
    get agent() {
      return node.agent
    },
    async restartNode() {
      await node.end()
      node = startNode()
    },
    async apply(...objects) {
      for (const object of objects) await client.apply(kindOf(object), object, { force: true })
    },
    async pod(name) {
      const pod = await client.get(podKind, { namespace: 'default', name })
      if (pod === undefined) throw new Error(`there is no pod ${name}`)
      return pod
    },
    async log(pod, container) {
      const chunks: Buffer[] = []
      const stop = new AbortController()
      const request = { namespace: 'default', pod, container, follow: false, tailLines: undefined, previous: false }
      for await (const chunk of node.agent.readLog(request, stop.signal)) chunks.push(chunk)
      return Buffer.concat(chunks).toString()
    },
    async [Symbol.asyncDispose](between = async () => {}) {
      await node.end()
      await between()
      stopApi.abort()
      await serving
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const PLURALS: Readonly<Record<string, string>> = { EndpointSlice: 'endpointslices' }

function kindOf(object: KubernetesObject): ResourceKind {
  const [group = '', version = ''] = object.apiVersion.includes('/')
    ? object.apiVersion.split('/')
    : ['', object.apiVersion]
  const plural = PLURALS[object.kind] ?? `${object.kind.toLowerCase()}s`
  const isClusterWide = object.kind === localImageKind.kind || object.kind === 'Namespace'
  return { group, version, kind: object.kind, plural, namespaced: !isClusterWide }
}

/** An image that runs a script of Node. */
export const scriptImage = (repository: string, script: string): LocalImage => ({
  apiVersion: 'local.sluice.dev/v1',
  kind: 'LocalImage',
  metadata: { name: repository.replaceAll('/', '-') },
  spec: { repository, tagPattern: '.*', argv: [process.execPath, '-e', script], env: { VERSION: '{{ tag }}' } },
})

export const barePod = (
  name: string,
  container: Partial<Pod['spec']['containers'][number]>,
  spec: Partial<Pod['spec']> = {},
): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels: { app: name } },
  spec: { containers: [{ name: 'main', image: 'test/web:1', ...container }], ...spec },
})
