import { setImmediate as turn } from 'node:timers/promises'
import { Registry } from 'prom-client'
import type { Analyst, MeasureRequest } from '../../src/analysis/index.ts'
import {
  type Canary,
  type CanaryRun,
  canaryKind,
  canaryRunKind,
  type Deployment,
  deploymentKind,
  type KubernetesObject,
  type MetricVerdict,
  type VirtualService,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { type ControllerOptions, startController } from '../../src/controller/index.ts'
import type { HookCaller, HookPayload } from '../../src/hooks/index.ts'
import type { KubeClient } from '../../src/kube/index.ts'
import type { Notice, Notifier } from '../../src/notify/index.ts'
import { type Logger, silentLogger } from '../../src/runtime/index.ts'
import { buildCanary, buildVerdict, type CanaryOverrides } from './canary-objects.ts'
import { createFakeClock, type FakeClock } from './fake-clock.ts'
import { createMemoryApi, type MemoryApi, type MemoryWrite } from './memory-api.ts'
import { followServices, runWorkloads } from './run-workloads.ts'

export interface ReleaseCluster {
  readonly api: MemoryApi
  readonly clock: FakeClock
  readonly user: KubeClient
  /** Notices in the order they were handed over. */
  readonly sent: { readonly address: string; readonly notice: Notice }[]
  readonly measured: MeasureRequest[]
  readonly registry: Registry
  /** Images whose pods never get ready. */
  readonly brokenImages: Set<string>
  verdict: MetricVerdict['state']
  gates: Record<string, boolean>
  isMeshUp: boolean
  /** Deployments' statuses go on to say what was counted last, whatever is wanted now, and no pod comes or goes by them. */
  areCountsLate: boolean
  /** EndpointSlices say where Services lead; false where a test writes them itself. */
  areServicesFollowed: boolean
  /** Hooks that never answer, by name; `analyst` is the metric server. */
  readonly hanging: Set<string>
  readonly called: {
    readonly hook: string
    readonly payload: Omit<HookPayload, 'metadata'>
    readonly metadata: object
  }[]
  canary(name?: string): Canary
  route(): VirtualService
  /** Every share of the canary that was published, in order. */
  weights(): readonly string[]
  deployment(name: string): Deployment
  runs(): readonly CanaryRun[]
  setImage(image: string, name?: string): Promise<void>
  /** Starts a controller; the answer stops it. */
  startController(options?: {
    readonly before?: (write: MemoryWrite) => void
    readonly metricsServer?: string
    readonly log?: Logger
    readonly notifier?: Notifier
    readonly guard?: ControllerOptions['guard']
    /** The client of the controller, seen from outside. */
    readonly look?: (client: KubeClient) => KubeClient
  }): () => Promise<void>
  /** Moves time on until the condition holds. */
  until(what: string, condition: () => boolean): Promise<void>
  /** Time passes, and everything that can happen happens. */
  pass(milliseconds: number): Promise<void>
}

export function createReleaseCluster(): ReleaseCluster {
  const clock = createFakeClock()
  const api = createMemoryApi(() => clock.now())
  const world = api.client('world')
  const weights: string[] = []
  const settle = async () => {
    for (let count = 0; count < 30; count++) await turn()
  }
  const pass = async (milliseconds: number) => {
    await settle()
    for (let left = milliseconds; left > 0; left -= 500) {
      await clock.advance(Math.min(500, left))
      await settle()
    }
  }

  const cluster: ReleaseCluster = {
    api,
    clock,
    user: api.client('user'),
    sent: [],
    measured: [],
    registry: new Registry(),
    brokenImages: new Set(),
    verdict: 'passed',
    gates: {},
    isMeshUp: true,
    areCountsLate: false,
    areServicesFollowed: true,
    hanging: new Set(),
    called: [],
    canary: (name = 'web') => api.get(canaryKind, name),
    route: () => api.get(virtualServiceKind, 'web'),
    weights: () => weights,
    deployment: (name) => api.get(deploymentKind, name),
    runs: () => api.list(canaryRunKind),
    async setImage(image, name = 'web') {
      const spec = { template: { spec: { containers: [{ name: 'web', image }] } } }
      await cluster.user.patch(deploymentKind, { namespace: 'default', name }, { spec }, { type: 'merge' })
    },
    startController(options = {}) {
      const stop = new AbortController()
      const running = startController(
        {
          client: (options.look ?? ((client) => client))(api.client('controller', options.before)),
          analyst: scriptedAnalyst(cluster),
          hooks: scriptedHooks(cluster),
          notifier: options.notifier ?? collectingNotifier(cluster.sent),
          clock,
          log: options.log ?? silentLogger,
          random: () => 0.5,
          defaults: { metricsServer: options.metricsServer ?? 'http://prometheus:9090', provider: 'mesh' },
          registry: new Registry(),
          ...(options.guard === undefined ? {} : { guard: options.guard }),
        },
        stop.signal,
      )
      return async () => {
        stop.abort()
        await running
      }
    },
    async until(what, condition) {
      for (let count = 0; count < 400; count++) {
        if (condition()) return
        await pass(500)
      }
      throw new Error(
        `not seen: ${what}; status: ${JSON.stringify(
          api.list(canaryKind).map(({ status }) => status),
          null,
          1,
        )}`,
      )
    },
    pass,
  }

  let following = Promise.resolve()
  const follow = async () => {
    if (!cluster.areCountsLate) await runWorkloads(world, 'default')
    if (cluster.areServicesFollowed) await followServices(world, 'default')
  }
  api.onWrite((plural) => {
    // Overtaken by another write, which has its own turn.
    if (modelled.includes(plural)) following = following.then(follow).catch(() => undefined)
  })
  api.onWrite((plural, object) => {
    if (plural === 'deployments') void rollOut(world, cluster, object.metadata.name)
    if (plural !== 'virtualservices') return
    const route = object as VirtualService
    const weight = `${route.spec.http?.at(-1)?.route?.[1]?.weight}${route.spec.http?.[0]?.mirror ? ' mirrored' : ''}`
    if (weight !== weights.at(-1)) weights.push(weight)
    if (cluster.isMeshUp) void acknowledge(world, route)
  })
  return cluster
}

/** What the Deployment controller would do, at once. */
async function rollOut(world: KubeClient, cluster: ReleaseCluster, name: string): Promise<void> {
  const deployment = await world.get(deploymentKind, { namespace: 'default', name })
  if (deployment === undefined) return
  const { replicas = 1, template } = deployment.spec
  const isBroken = template.spec.containers.some(({ image }) => cluster.brokenImages.has(image))
  const former = Math.min(deployment.status?.readyReplicas ?? 0, replicas)
  const ready = isBroken ? former : replicas
  const updated = isBroken && replicas > 0 ? 1 : replicas
  const counts = {
    replicas: isBroken ? former + updated : replicas,
    updatedReplicas: updated,
    readyReplicas: ready,
    availableReplicas: ready,
  }
  const observedGeneration = deployment.metadata.generation ?? 1
  const status = { ...(cluster.areCountsLate ? deployment.status : counts), observedGeneration }
  if (JSON.stringify(status) === JSON.stringify(deployment.status)) return
  await world.replace(deploymentKind, { ...deployment, status }, 'status').catch(() => undefined)
}

const modelled: readonly string[] = ['services', 'deployments', 'daemonsets']

/** What the mesh would do, at once. */
async function acknowledge(world: KubeClient, route: VirtualService): Promise<void> {
  const { generation = 1 } = route.metadata
  const known = route.status?.conditions?.[0]
  if (known?.observedGeneration === generation) return
  const condition = {
    type: 'Programmed',
    status: 'True',
    reason: 'Programmed',
    message: '',
    lastTransitionTime: '',
    observedGeneration: generation,
  } as const
  await world
    .replace(virtualServiceKind, { ...route, status: { conditions: [condition] } }, 'status')
    .catch(() => undefined)
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

const scriptedAnalyst = (cluster: ReleaseCluster): Analyst => ({
  async measure(request, signal) {
    cluster.measured.push(request)
    if (cluster.hanging.has('analyst')) await aborted(signal)
    // What the guard suspects and is true ends the run, whatever the threshold.
    const decision = request.early && cluster.verdict === 'failed' ? ({ decision: 'rollback' } as const) : {}
    return request.checks.map(({ metric }) => ({
      ...buildVerdict(cluster.verdict, request.window.endMs),
      ...decision,
      metric: metric.name,
    }))
  },
})

const scriptedHooks = (cluster: ReleaseCluster): HookCaller => ({
  async call(hook, payload, signal) {
    cluster.called.push({ hook: hook.name, payload, metadata: hook.metadata ?? {} })
    if (cluster.hanging.has(hook.name)) await aborted(signal)
    const ok = cluster.gates[hook.name] ?? true
    return { ok, status: ok ? 200 : 403, message: `${hook.name} answered ${ok ? 200 : 403}` }
  },
})

const collectingNotifier = (sent: ReleaseCluster['sent']): Notifier => ({
  async send({ address }, notice) {
    sent.push({ address, notice })
    return 'sent'
  },
  drain: async () => undefined,
})

const serverSide = <T extends KubernetesObject>(object: T): T => {
  const { uid: _1, generation: _2, finalizers: _3, ...metadata } = object.metadata
  return { ...object, metadata }
}

export function buildDeployment(name = 'web', image = 'web:1', replicas = 2): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image }] } },
    },
  }
}

export const createCanary = (cluster: ReleaseCluster, overrides: CanaryOverrides = {}) =>
  cluster.user.create(canaryKind, serverSide(buildCanary(overrides)))

/** A cluster whose first version serves, with its controller. */
export async function startedCluster(overrides: CanaryOverrides = {}) {
  const cluster = createReleaseCluster()
  await cluster.user.create(deploymentKind, buildDeployment())
  await createCanary(cluster, overrides)
  const stop = cluster.startController()
  await cluster.until('first version', () => cluster.canary().status?.phase === 'Initialized')
  return { cluster, stop }
}
