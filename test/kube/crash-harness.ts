import { Registry } from 'prom-client'
import type { Analyst } from '../../src/analysis/index.ts'
import {
  allCustomResourceDefinitions,
  type Canary,
  canaryKind,
  type Deployment,
  deploymentKind,
  type EndpointSlice,
  endpointSliceKind,
  istioCustomResourceDefinitions,
  type KubernetesObject,
  type ResourceKind,
  type VirtualService,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { startController } from '../../src/controller/index.ts'
import { createKubeClient, createReflector, type KubeClient, type Reflector } from '../../src/kube/index.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'
import { readTraffic } from '../../src/traffic/translate.ts'
import { applyCrds } from '../support/apply-crds.ts'
import { buildVerdict } from '../support/canary-objects.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { type Life, type ProxiedWrite, startCuttingProxy } from '../support/cutting-proxy.ts'

/** One release, during which the controller dies once, at one of its writes. */
export interface CrashedApp {
  readonly namespace: string
  /** The controller dies at the write of this number, counted from `count` on; never by this app when 0. */
  readonly diesAt: number
  readonly dies: 'before' | 'after'
  verdict: 'passed' | 'failed'
  /** Writes are counted from now on. */
  count(): void
  /** What the API server took since then, in order. */
  readonly writes: readonly string[]
  /** Every share that was published, in order: `weight+mirror`. */
  readonly routes: readonly string[]
  /** Promises that were broken, as seen from outside. */
  readonly violations: readonly string[]
}

/** A real control plane, and a controller that dies again and again. */
export interface CrashHarness extends AsyncDisposable {
  readonly plane: ControlPlane
  /** An administrator. */
  readonly client: KubeClient
  /** Kept by watches: dozens of releases that are asked for one by one would be most of the work. */
  readonly canaries: Reflector<Canary>
  readonly deployments: Reflector<Deployment>
  add(app: Pick<CrashedApp, 'namespace' | 'diesAt' | 'dies'>): CrashedApp
  /** One controller after the other, until the signal fires; returns how many there were. */
  live(signal: AbortSignal): Promise<number>
  /** Starts one more, waits until it has looked at that many Canaries, and returns what it wrote. */
  lookAgain(canaries: number): Promise<readonly string[]>
}

interface Recorded extends CrashedApp {
  isCounting: boolean
  hasDied: boolean
  /** A check has passed since the last share was published. */
  isProven: boolean
  readonly writes: string[]
  readonly routes: string[]
  readonly violations: string[]
}

export async function startCrashHarness(): Promise<CrashHarness> {
  const plane = await startControlPlane()
  await applyCrds(plane, [...istioCustomResourceDefinitions, ...allCustomResourceDefinitions])
  const apps = new Map<string, Recorded>()
  const all: string[] = []
  const stop = new AbortController()
  const isLast = (write: ProxiedWrite, when: 'before' | 'after'): boolean => {
    if (when === 'after') all.push(describe(write))
    const app = apps.get(/\/namespaces\/([^/]+)\//.exec(write.path)?.[1] ?? '')
    return app !== undefined && see(app, write, when)
  }
  const proxy = await startCuttingProxy({ target: plane, isLast })
  const client = createKubeClient({ kubeconfig: plane.kubeconfig, fieldManager: 'test' })
  const reflect = <T extends KubernetesObject>(kind: ResourceKind<T>): Reflector<T> =>
    createReflector({ client, kind, clock: systemClock, log: silentLogger })
  const [canaries, deployments] = [reflect(canaryKind), reflect(deploymentKind)]
  const endpoints = watchEndpoints(reflect(endpointSliceKind), apps)
  const routes = acknowledge(reflect(virtualServiceKind), client)
  const watching = [canaries, deployments, endpoints, routes].map((each) => each.start(stop.signal))
  const begin = (life: Life, signal: AbortSignal, registry = new Registry()) =>
    runController({ plane, apps, life, registry }, AbortSignal.any([signal, life.cut]))
  return {
    plane,
    client,
    canaries,
    deployments,
    add(wanted) {
      const app = createApp(wanted)
      apps.set(app.namespace, app)
      return app
    },
    async live(signal) {
      let lives = 0
      for (; !signal.aborted; lives++) await begin(proxy.open(), signal)
      return lives
    },
    async lookAgain(canaries) {
      const over = new AbortController()
      const registry = new Registry()
      const written = all.length
      const running = begin(proxy.open(), over.signal, registry)
      while ((await passesOf(registry)) < canaries) await systemClock.sleep(50)
      over.abort()
      await running
      return all.slice(written)
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(watching)
      await proxy[Symbol.asyncDispose]()
      await plane.stop()
    },
  }
}

function createApp(wanted: Pick<CrashedApp, 'namespace' | 'diesAt' | 'dies'>): Recorded {
  const app: Recorded = {
    ...wanted,
    ...{ verdict: 'passed', isCounting: false, hasDied: false, isProven: false },
    ...{ writes: [], routes: [], violations: [] },
    count() {
      app.isCounting = true
    },
  }
  return app
}

interface Beginning {
  readonly plane: ControlPlane
  readonly apps: ReadonlyMap<string, Recorded>
  readonly life: Life
  readonly registry: Registry
}

function runController({ plane, apps, life, registry }: Beginning, signal: AbortSignal): Promise<void> {
  const kubeconfig = { server: life.server, token: plane.token }
  return startController(
    {
      client: createKubeClient({ kubeconfig, fieldManager: 'sluice' }),
      analyst: truthfulAnalyst(apps),
      hooks: { call: async () => ({ ok: true, status: 200, message: '' }) },
      notifier: { send: async () => 'sent', drain: async () => undefined },
      clock: systemClock,
      log: silentLogger,
      random: Math.random,
      defaults: { metricsServer: 'http://127.0.0.1:9', provider: 'mesh' },
      registry,
    },
    signal,
  )
}

/** What is true of an app is what its checks find. */
const truthfulAnalyst = (apps: ReadonlyMap<string, Recorded>): Analyst => ({
  async measure({ subject, checks, window }) {
    const app = apps.get(subject.namespace)
    const verdict = app?.verdict ?? 'no-data'
    if (app && verdict === 'passed') app.isProven = true
    return checks.map(({ metric }) => ({ ...buildVerdict(verdict, window.endMs), metric: metric.name }))
  },
})

async function passesOf(registry: Registry): Promise<number> {
  const text = await registry.metrics()
  return Number(/^sluice_reconcile_duration_seconds_count\{result="ok"\} (\d+)$/m.exec(text)?.[1] ?? 0)
}

const describe = ({ method, path, body }: ProxiedWrite): string => {
  const [, resource = '', name = body?.metadata?.name, subresource] =
    /\/namespaces\/[^/]+\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path) ?? []
  return [method, resource, name, subresource].filter((part) => part !== undefined).join(' ')
}

/** Takes note of a write, and says whether the controller dies of it. Events are told, not decided: nobody misses one. */
function see(app: Recorded, write: ProxiedWrite, when: 'before' | 'after'): boolean {
  if (write.path.endsWith('/events')) return false
  if (when === 'after') {
    look(app, write)
    if (app.isCounting) app.writes.push(describe(write))
  }
  const reached = app.writes.length + (when === 'before' ? 1 : 0)
  if (!app.isCounting || app.hasDied || app.diesAt === 0 || when !== app.dies || reached !== app.diesAt) return false
  app.hasDied = true
  return true
}

const NAMES = { apex: 'web', primary: 'web-primary', canary: 'web-canary' }

function look(app: Recorded, write: ProxiedWrite): void {
  const [, resource, name = ''] = describe(write).split(' ')
  if (!/^web(-|$)/.test(name)) app.violations.push(`${describe(write)} is no business of ours`)
  if (resource === 'virtualservices' && write.body?.spec !== undefined) lookAtRoute(app, write.body)
}

function lookAtRoute(app: Recorded, route: VirtualService): void {
  for (const rule of route.spec.http ?? []) {
    const weights = (rule.route ?? []).map(({ weight }) => weight ?? 100)
    const isWhole = weights.every((weight) => Number.isInteger(weight) && weight >= 0 && weight <= 100)
    if (!isWhole || weights.reduce((sum, weight) => sum + weight, 0) !== 100)
      app.violations.push(`weights ${weights.join(' and ')}`)
  }
  const traffic = readTraffic(route, NAMES)
  const share = traffic === undefined ? 'released' : `${traffic.canary}+${traffic.mirror}`
  if (share === app.routes.at(-1)) return
  const former = Number.parseInt(app.routes.at(-1) ?? '0', 10)
  if (traffic && traffic.canary > former && traffic.canary < 100 && !app.isProven)
    app.violations.push(`weight rose from ${former} to ${traffic.canary} without a check that passed since`)
  app.routes.push(share)
  app.isProven = false
}

/** What a mesh would say: that its proxies have the route. */
function acknowledge(reflector: Reflector<VirtualService>, client: KubeClient): Reflector<VirtualService> {
  reflector.onChange((current) => {
    const { generation = 0, namespace, name } = current?.metadata ?? { name: '' }
    if (current === undefined || current.status?.observedGeneration === generation) return
    const lastTransitionTime = new Date().toISOString()
    const condition = { type: 'Programmed', status: 'True', reason: 'Programmed', message: '', lastTransitionTime }
    const status = { observedGeneration: generation, conditions: [{ ...condition, observedGeneration: generation }] }
    const options = { type: 'merge', subresource: 'status' } as const
    // One that is gone by now needs no answer.
    void client.patch(virtualServiceKind, { namespace, name }, { status }, options).catch(() => undefined)
  })
  return reflector
}

/** Whoever calls the apex Service finds a ready pod, always. */
function watchEndpoints(
  reflector: Reflector<EndpointSlice>,
  apps: ReadonlyMap<string, Recorded>,
): Reflector<EndpointSlice> {
  const isServed = ({ endpoints }: EndpointSlice) =>
    (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false)
  reflector.onChange((current, previous) => {
    if (current?.metadata.labels?.['kubernetes.io/service-name'] !== 'web' || previous === undefined) return
    const app = apps.get(current.metadata.namespace ?? '')
    if (isServed(previous) && !isServed(current)) app?.violations.push('the Service has no ready pod any more')
  })
  return reflector
}
