import { Registry } from 'prom-client'
import type { Analyst } from '../../src/analysis/index.ts'
import {
  type Canary,
  canaryKind,
  type Deployment,
  deploymentKind,
  type KubernetesObject,
  type ResourceKind,
  type VirtualService,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { startController } from '../../src/controller/index.ts'
import type { HookCaller } from '../../src/hooks/index.ts'
import { createKubeClient, createReflector, type KubeClient, type Reflector } from '../../src/kube/index.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'
import { readTraffic } from '../../src/traffic/translate.ts'
import { readAuditLog } from '../support/audit-log.ts'
import { buildVerdict } from '../support/canary-objects.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { type Life, type ProxiedWrite, startCuttingProxy } from '../support/cutting-proxy.ts'
import { startHelm } from '../support/helm.ts'
import { installChart } from '../support/install-chart.ts'
import { controllerAccount, controllerUser, systemNamespace } from '../support/kube-stage.ts'
import { brokenPromises } from '../support/release-promises.ts'
import { type Change, type HookCall, names } from '../support/release-story.ts'
import { watchStories } from '../support/watch-stories.ts'

/** One release, during which the controller dies once, at one of its writes. */
export interface CrashedApp {
  readonly namespace: string
  /** The controller dies at the write of this number, counted from `count` on; never by this app when 0. */
  readonly diesAt: number
  readonly dies: 'before' | 'after'
  verdict: 'passed' | 'failed'
  /** Resolves when its story may begin; what it needs may be made before. */
  readonly turn: Promise<unknown>
  /** Writes are counted from now on. */
  count(): void
  /** What the API server took since then, in order. */
  readonly writes: readonly string[]
  /** Every share that was published, in order: `weight+mirror`. */
  readonly routes: readonly string[]
  /** As seen from outside, so far. */
  brokenPromises(): readonly string[]
}

type Wanted = Pick<CrashedApp, 'namespace' | 'diesAt' | 'dies' | 'turn'>

/** A real control plane, and a controller that dies again and again. */
export interface CrashHarness extends AsyncDisposable {
  readonly plane: ControlPlane
  /** An administrator. */
  readonly client: KubeClient
  /** Kept by watches: dozens of releases that are asked for one by one would be most of the work. */
  readonly canaries: Reflector<Canary>
  readonly deployments: Reflector<Deployment>
  add(app: Wanted): CrashedApp
  /** One controller after the other, until the signal fires; returns how many there were. */
  live(signal: AbortSignal): Promise<number>
  /** Starts one more, waits until it has looked at that many Canaries, and returns what it wrote. */
  lookAgain(canaries: number): Promise<readonly string[]>
  /** `verb group/resource` of what the chart's role does not allow and the controller tried. */
  refusals(): Promise<readonly string[]>
}

interface Recorded extends CrashedApp {
  isCounting: boolean
  hasDied: boolean
  /** A check has passed since the last share was published. */
  isProven: boolean
  readonly writes: string[]
  readonly routes: string[]
  readonly violations: string[]
  readonly changes: Change[]
  readonly calls: HookCall[]
}

/** The controller has the rights that the chart grants, and no other. */
export async function startCrashHarness(): Promise<CrashHarness> {
  const plane = await startControlPlane()
  const token = await installController(plane)
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
  const routes = acknowledge(reflect(virtualServiceKind), client)
  const watching = [canaries, deployments, routes].map((each) => each.start(stop.signal))
  const hear = (namespace: string, change: Omit<Change, 'calls'>): void => {
    const app = apps.get(namespace)
    app?.changes.push({ ...change, calls: app.calls.length } as Change)
  }
  watching.push(...(await watchStories(client, hear, stop.signal)))
  const begin = (life: Life, signal: AbortSignal, registry = new Registry()) =>
    runController({ token, apps, life, registry }, AbortSignal.any([signal, life.cut]))
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
    async refusals() {
      const refused = (await readAuditLog(plane)).filter(({ user, code }) => user === controllerUser && code === 403)
      return [...new Set(refused.map(({ verb, group, resource }) => `${verb} ${group}/${resource}`))]
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(watching)
      await proxy[Symbol.asyncDispose]()
      await plane.stop()
    },
  }
}

/** Returns a token of the controller's service account. */
async function installController(plane: ControlPlane): Promise<string> {
  const helm = await startHelm(plane.kubeconfig)
  try {
    await installChart(plane, helm, '--namespace', systemNamespace, '--create-namespace')
  } finally {
    await helm.stop()
  }
  const path = `/api/v1/namespaces/${systemNamespace}/serviceaccounts/${controllerAccount}/token`
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
  return String((await plane.request('POST', path, { body })).body.status.token)
}

function createApp(wanted: Wanted): Recorded {
  const app: Recorded = {
    ...wanted,
    ...{ verdict: 'passed', isCounting: false, hasDied: false, isProven: false },
    ...{ writes: [], routes: [], violations: [], changes: [], calls: [] },
    count() {
      app.isCounting = true
    },
    brokenPromises: () => [...app.violations, ...brokenPromises(app)],
  }
  return app
}

interface Beginning {
  readonly token: string
  readonly apps: ReadonlyMap<string, Recorded>
  readonly life: Life
  readonly registry: Registry
}

function runController({ token, apps, life, registry }: Beginning, signal: AbortSignal): Promise<void> {
  const kubeconfig = { server: life.server, token }
  return startController(
    {
      client: createKubeClient({ kubeconfig, fieldManager: 'sluice' }),
      analyst: truthfulAnalyst(apps),
      hooks: agreeingHooks(apps),
      notifier: { send: async () => 'sent', drain: async () => undefined },
      clock: systemClock,
      log: silentLogger,
      random: Math.random,
      defaults: { metricsServer: 'http://127.0.0.1:9', provider: 'mesh' },
      // As in the chart, whose role allows no more.
      tracking: { configMaps: true, secrets: false },
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

const agreeingHooks = (apps: ReadonlyMap<string, Recorded>): HookCaller => ({
  async call({ type }, { namespace, checksum }) {
    apps.get(namespace)?.calls.push({ type, checksum })
    return { ok: true, status: 200, message: '' }
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

/** Takes note of a write, and says whether the controller dies of it. */
function see(app: Recorded, write: ProxiedWrite, when: 'before' | 'after'): boolean {
  if (when === 'after') {
    look(app, write)
    if (app.isCounting) app.writes.push(describe(write))
  }
  const reached = app.writes.length + (when === 'before' ? 1 : 0)
  if (!app.isCounting || app.hasDied || app.diesAt === 0 || when !== app.dies || reached !== app.diesAt) return false
  app.hasDied = true
  return true
}

function look(app: Recorded, write: ProxiedWrite): void {
  const [, resource, name = ''] = describe(write).split(' ')
  if (!/^web([-.]|$)/.test(name)) app.violations.push(`${describe(write)} is no business of ours`)
  if (resource === 'virtualservices' && write.body?.spec !== undefined) lookAtRoute(app, write.body)
}

function lookAtRoute(app: Recorded, route: VirtualService): void {
  const traffic = readTraffic(route, names)
  const share = traffic === undefined ? 'released' : `${traffic.canary}+${traffic.mirror}`
  if (share === app.routes.at(-1)) return
  const former = Number.parseInt(app.routes.at(-1) ?? '0', 10)
  if (traffic && traffic.canary > former && traffic.canary < 100 && !app.isProven)
    app.violations.push(`weight rose from ${former} to ${traffic.canary} without a check that passed since`)
  app.routes.push(share)
  app.isProven = false
}

/** Proxies take a route within this time: who does not wait for them is seen. */
const SLOWEST_PROXY_MS = 300

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
    void systemClock
      .sleep(Math.random() * SLOWEST_PROXY_MS)
      .then(() => client.patch(virtualServiceKind, { namespace, name }, { status }, options))
      .catch(() => undefined)
  })
  return reflector
}
