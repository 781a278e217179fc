import { appendFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { istioCustomResourceDefinitions } from '../../../src/api/index.ts'
import { createKubeClient } from '../../../src/kube/index.ts'
import { type Child, silentLogger, spawnChild } from '../../../src/runtime/index.ts'
import { applyCrds } from '../../support/apply-crds.ts'
import { type AuditedRequest, readAuditLog } from '../../support/audit-log.ts'
import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts'
import { eventually } from '../../support/eventually.ts'
import { freePorts } from '../../support/kube-apiserver.ts'
import { cpuSecondsOf, readUsage, type Usage } from './process-usage.ts'
import { type RouteWatch, watchRoutes } from './route-watch.ts'
import { type SimulatedTraffic, startSimulatedTraffic } from './simulated-traffic.ts'
import { type Creation, NAMESPACE, type Release, type Subject } from './subject.ts'

export interface MeasureOptions {
  readonly canaries: number
  /** Releases of each canary, one after the other; 0 measures only how it is to stand idle. */
  readonly rounds: number
  /** Between two checks of a release. */
  readonly intervalSeconds: number
  readonly idleSeconds: number
  readonly report: (line: string) => void
}

/** Requests of the controller itself, by canary; Leases and the opening of watches apart. */
export interface Requests {
  readonly creation: number
  readonly detection: number
  readonly rollback: number
  /** For all canaries together. */
  readonly idle: number
}

export interface Measurement {
  readonly subject: string
  readonly version: string
  readonly canaries: number
  readonly rounds: number
  /** Milliseconds from the change of the image to the first route that is weighted or mirrored. */
  readonly detectionMs: readonly number[]
  /** Milliseconds from the first failing request to the route of weight 0. */
  readonly rollbackMs: readonly number[]
  readonly requests: Requests
  readonly usage: Usage
  /** Of etcd, the API server, kube-controller-manager and kwok, from the change to the last first route. */
  readonly planeCpuSeconds: number
  /** Milliseconds, p99 while it stood idle; only Sluice tells it. */
  readonly eventLoopDelayMs: number | undefined
}

/** Plays releases that go bad with one controller on a control plane of its own. */
export async function measure(subject: Subject, options: MeasureOptions): Promise<Measurement> {
  const plane = await startControlPlane()
  const apps = appNames(options.canaries)
  const traffic = await startSimulatedTraffic(apps)
  const stop = new AbortController()
  let child: Child | undefined
  try {
    const client = createKubeClient({ kubeconfig: plane.kubeconfig, fieldManager: 'bench' })
    await prepare(plane, subject)
    const [port = 0] = await freePorts(1)
    const interval = `${options.intervalSeconds}s`
    child = await startSubject(plane, subject, { traffic, port, interval })
    const routes = await watchRoutes(client, stop.signal)
    const run: Run = { ...options, plane, subject, traffic, routes, port, interval, apps }
    const played = await play(run)
    return { ...played, usage: await readUsage(child.pid) }
  } catch (error) {
    options.report(`${subject.name}: the folder of the failed run is kept at ${plane.folder}`)
    throw error
  } finally {
    stop.abort()
    await child?.stop({ graceMs: 5_000 })
    await traffic[Symbol.asyncDispose]()
    await plane.stop()
  }
}

const ACCOUNT = 'subject'
const USER = `system:serviceaccount:${NAMESPACE}:${ACCOUNT}`

interface Run extends MeasureOptions {
  readonly plane: ControlPlane
  readonly subject: Subject
  readonly traffic: SimulatedTraffic
  readonly routes: RouteWatch
  readonly port: number
  readonly interval: string
  readonly apps: readonly string[]
}

const appNames = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `app-${index}`)

async function prepare(plane: ControlPlane, subject: Subject): Promise<void> {
  const crds = [...istioCustomResourceDefinitions, ...subject.customResourceDefinitions]
  await applyCrds(plane, crds as Parameters<typeof applyCrds>[1])
  await create(plane, { path: '/api/v1/namespaces', body: { metadata: { name: NAMESPACE } } })
  await create(plane, {
    path: `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`,
    body: { metadata: { name: ACCOUNT } },
  })
  await create(plane, {
    path: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    body: {
      metadata: { name: ACCOUNT },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name: ACCOUNT, namespace: NAMESPACE }],
    },
  })
}

async function create({ request }: ControlPlane, { path, body }: Creation): Promise<void> {
  const { status, body: answer } = await request('POST', path, { body })
  if (status !== 201) throw new Error(`POST ${path}: ${status} ${JSON.stringify(answer)}`)
}

interface Surroundings {
  readonly traffic: SimulatedTraffic
  readonly port: number
  readonly interval: string
}

async function startSubject(plane: ControlPlane, subject: Subject, surroundings: Surroundings): Promise<Child> {
  const { traffic, port, interval } = surroundings
  const kubeconfig = await plane.kubeconfigOf(NAMESPACE, ACCOUNT)
  const { command, args } = subject.command({ kubeconfig, prometheusUrl: traffic.url, port })
  const log = `${plane.folder}/subject.log`
  const output = new PassThrough().on('data', (chunk: Buffer) => appendFileSync(log, chunk))
  const child = spawnChild({ command, args, env: process.env, stdout: output, stderr: output, log: silentLogger })
  for (const each of subject.shared(traffic.url, interval)) await create(plane, each)
  await eventually(async () => (await requestsOf(plane)).some(({ verb }) => verb === 'watch'), { within: 60_000 })
  // Its caches fill now, which is nobody's phase.
  await delay(3_000)
  return child
}

const requestsOf = async (plane: ControlPlane): Promise<readonly AuditedRequest[]> =>
  (await readAuditLog(plane)).filter(({ user }) => user === USER)

/** Requests that arrived from a time (Date.now) on; renewals of watches and Leases are apart. */
async function countSince(plane: ControlPlane, since: number): Promise<number> {
  const counted = (await requestsOf(plane)).filter(({ at, verb, resource }) => {
    return at >= since && verb !== 'watch' && resource !== 'leases'
  })
  return counted.length
}

async function play(run: Run): Promise<Omit<Measurement, 'usage'>> {
  const { subject, canaries, rounds, plane, apps } = run
  const began = Date.now()
  await inGroups(apps, async (app) => {
    for (const each of subject.app(app, run.interval)) await create(plane, each)
  })
  await untilReleases(run, subject.isReady)
  run.report(`${subject.name}: ${canaries} in place after ${Date.now() - began} ms`)
  const created = await countSince(plane, began)
  const { idle, eventLoopDelayMs } = await standIdle(run)
  const detectionMs: number[] = []
  const rollbackMs: number[] = []
  let planeCpuSeconds = 0
  const counts = { detection: 0, rollback: 0 }
  for (let round = 1; round <= rounds; round++) {
    const played = await playRound(run, round)
    detectionMs.push(...played.detectionMs)
    rollbackMs.push(...played.rollbackMs)
    planeCpuSeconds += played.planeCpuSeconds
    counts.detection += played.detection
    counts.rollback += played.rollback
  }
  const each = (count: number) => count / (canaries * Math.max(1, rounds))
  const requests = { creation: created / canaries, detection: each(counts.detection), rollback: each(counts.rollback) }
  const { name, version } = subject
  return {
    ...{ subject: name, version, canaries, rounds, detectionMs, rollbackMs, planeCpuSeconds, eventLoopDelayMs },
    requests: { ...requests, idle },
  }
}

/** Whole batches at once, but no more sockets than a machine likes. */
async function inGroups(apps: readonly string[], work: (app: string) => Promise<void>): Promise<void> {
  for (let from = 0; from < apps.length; from += 100) await Promise.all(apps.slice(from, from + 100).map(work))
}

async function standIdle(run: Run): Promise<{ readonly idle: number; readonly eventLoopDelayMs: number | undefined }> {
  const { plane, subject, idleSeconds, port } = run
  // What it still has to say of the creation.
  await delay(5_000)
  await readEventLoopDelay(port)
  const since = Date.now()
  await delay(idleSeconds * 1_000)
  const idle = await countSince(plane, since)
  const eventLoopDelayMs = subject.name === 'Sluice' ? await readEventLoopDelay(port) : undefined
  run.report(`${subject.name}: ${idle} requests in ${idleSeconds} idle seconds`)
  return { idle, eventLoopDelayMs }
}

/** Node's own histogram, which is emptied by each reading. */
async function readEventLoopDelay(port: number): Promise<number | undefined> {
  const text = await fetch(`http://127.0.0.1:${port}/metrics`).then(
    (answer) => answer.text(),
    () => '',
  )
  const seconds = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(text)?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1_000
}

/** What scraping takes. */
const SCRAPED_MS = 5_000

interface Round {
  readonly detectionMs: readonly number[]
  readonly rollbackMs: readonly number[]
  readonly detection: number
  readonly rollback: number
  readonly planeCpuSeconds: number
}

async function playRound(run: Run, number: number): Promise<Round> {
  const { subject, plane, routes, traffic, apps } = run
  const tag = String(number + 1)
  for (const app of apps) traffic.setFailing(app, false)
  // A query that looks back over an interval must not find the failures of the round before.
  if (number > 1) await delay(run.intervalSeconds * 1_000 + SCRAPED_MS)
  const changedAt = Date.now()
  const before = await cpuSecondsOf(plane.processes)
  const moved = routes.untilEach(apps, ({ weight, mirror }) => weight > 0 || mirror > 0)
  const detectionMs = await timed(moved, () =>
    Promise.all(apps.map((app) => patch(plane, subject.imageChange(app, tag)))),
  )
  const planeCpuSeconds = (await cpuSecondsOf(plane.processes)) - before
  const detection = await countSince(plane, changedAt)
  await eventually(() => apps.every((app) => (routes.share(app)?.weight ?? 0) > 0), { within: 600_000 })
  await delay(badAfterMs(run, number))
  const badAt = Date.now()
  const back = routes.untilEach(apps, ({ weight }) => weight === 0)
  const rollbackMs = await timed(back, async () => {
    for (const app of apps) traffic.setFailing(app, true)
  })
  await untilReleases(run, subject.isTakenBack)
  const rollback = await countSince(plane, badAt)
  run.report(`${subject.name} ${tag}: detection ${seconds(detectionMs)}, rollback ${seconds(rollbackMs)}`)
  return { detectionMs, rollbackMs, detection, rollback, planeCpuSeconds }
}

/** Metrics turn bad at any time of a step: over the rounds the moments spread evenly over one interval of checks. */
const badAfterMs = ({ rounds, intervalSeconds }: Run, number: number): number =>
  4_000 + (intervalSeconds * 1_000 * (number - 0.5)) / rounds

const seconds = (times: readonly number[]): string =>
  `${(Math.min(...times) / 1_000).toFixed(2)} to ${(Math.max(...times) / 1_000).toFixed(2)} s`

/** Milliseconds from the beginning of an action to each of its effects. */
async function timed(effects: Promise<readonly number[]>, act: () => Promise<unknown>): Promise<readonly number[]> {
  const start = performance.now()
  await act()
  const limit = delay(600_000, 'late' as const, { ref: false })
  const seen = await Promise.race([effects, limit])
  if (seen === 'late') throw new Error('not every route followed within ten minutes')
  return seen.map((at) => at - start)
}

async function patch({ request }: ControlPlane, { path, body }: Creation): Promise<void> {
  const { status } = await request('PATCH', path, { body, contentType: 'application/merge-patch+json' })
  if (status !== 200) throw new Error(`PATCH ${path}: ${status}`)
}

async function untilReleases({ plane, subject, canaries }: Run, holds: Subject['isReady']): Promise<void> {
  const holdsOfAll = async () => {
    const { body } = await plane.request('GET', subject.releases)
    const releases: readonly Release[] = body.items
    const left = releases.filter((release) => !holds(release))
    if (releases.length < canaries || left.length > 0)
      throw new Error(`${left.length} left: ${JSON.stringify(left[0])}`)
  }
  await eventually(holdsOfAll, { within: 900_000, every: 250, what: `${subject.name}: all releases` })
}
