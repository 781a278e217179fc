import {
  abortAnnotation,
  type Canary,
  canaryKind,
  deploymentKind,
  metricTemplateKind,
  promoteAnnotation,
  serviceKind,
} from '../../src/api/index.ts'
import { type Random, seededRandom } from '../../src/cli/simulate/random.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { createMemoryApi } from '../support/memory-api.ts'
import { buildDeployment } from '../support/release-cluster.ts'
import { type ControllerProcess, startProcess, type World } from './controller-process.ts'
import { watchForForgotten } from './forgotten.ts'
import { currentRun, ownWrites, watchInvariants } from './invariants.ts'
import { createModelledCluster, type Version } from './modelled-cluster.ts'
import { createSimulatedTime } from './simulated-time.ts'
import { createVersions } from './versions.ts'

export interface Outcome {
  readonly seed: number
  readonly violations: readonly string[]
  /** What happened, line by line, with seconds of simulated time. */
  readonly trace: readonly string[]
  readonly simulatedSeconds: number
}

const web = { namespace: 'default', name: 'web' }
const MINUTE = 60_000

/**
 * One life of a Canary, all of whose accidents follow from the seed. In each fourth no lease keeps a second controller
 * out, each fifth releases a Service, and of seven one switches all requests at once and one those that match. Where
 * the network is `calm` no call fails and no clock jumps, and whenever nothing moves a pass out of the blue must find
 * nothing to do: all that the release waits for wakes it by itself.
 */
export async function simulate(
  seed: number,
  { isCalm = false, twoControllers = seed % 4 === 3 }: { isCalm?: boolean; twoControllers?: boolean } = {},
): Promise<Outcome> {
  const random = seededRandom(seed)
  const time = createSimulatedTime()
  const began = time.now()
  const api = createMemoryApi(() => time.now())
  const analysis = withStrategy(pickAnalysis(random), seed)
  const versions = createVersions(api, seed % 5 === 4)
  const invariants = watchInvariants(api, time, { ...analysis, isHidden: isHiddenAtFirst(analysis) }, versions)
  const cluster = createModelledCluster(api, time, random)
  const world: World = {
    api,
    time,
    random,
    cluster,
    invariants,
    versions,
    faults: isCalm || random() < 0.2 ? 0 : random() * 0.15,
    isGateOpen: true,
  }
  const forgotten = isCalm ? watchForForgotten(world) : []
  const drill = createDrill(world, twoControllers && !isCalm)
  const first = versions.named(1)
  cluster.versions.set(first, { image: first, startsInMs: 1_000, verdict: 'passed' })
  await createTarget(world)
  await api.client('user').create(canaryKind, newCanary(world, analysis))
  drill.start()
  await time.run(() => phaseOf(world) === 'Initialized', 10 * MINUTE)
  const accidents = Array.from({ length: 2 + Math.floor(random() * 6) }, () => pick(accidentKinds, random))
  const acts = [
    drill.changeImage,
    ...accidents.filter((kind) => !isCalm || !wild.includes(kind)).map((kind) => drill[kind]),
  ]
  const running = acts.map(async (act, index) => {
    await time.sleep(index === 0 ? 1 : random() * 120_000)
    await act()
  })
  let isStoryOver = false
  void Promise.all(running).then(() => {
    isStoryOver = true
  })
  await time.run(() => isStoryOver, 20 * MINUTE)
  await drill.calmDown()
  await untilQuiet(world)
  await drill.endFrozen()
  const violations = [...invariants.violations, ...endViolations(world)]
  if (random() < 0.2) violations.push(...(await deleteCanary(world, isCalm)))
  drill.stop()
  await time.run(() => false, MINUTE)
  violations.push(...forgotten)
  return { seed, violations, trace: invariants.trace, simulatedSeconds: (time.now() - began) / 1_000 }
}

async function createTarget({ api, versions }: World): Promise<void> {
  const user = api.client('user')
  if (!versions.isService) return void (await user.create(deploymentKind, buildDeployment()))
  const ports = [{ name: 'http', port: 80 }]
  const spec = { selector: { app: 'web', version: '1' }, ports }
  await user.create(serviceKind, { apiVersion: 'v1', kind: 'Service', metadata: web, spec })
  await user.create(metricTemplateKind, {
    apiVersion: 'sluice.dev/v1',
    kind: 'MetricTemplate',
    metadata: { name: 'mine', namespace: 'default' },
    spec: { provider: { type: 'prometheus' }, query: 'up' },
  })
}

/** The workload gets back what the Canary took from it, then the Canary goes. */
async function deleteCanary(world: World, isCalm: boolean): Promise<readonly string[]> {
  const { api, time, random, cluster, invariants, versions } = world
  if (!isCalm) world.faults = random() * 0.15
  // A workload that never starts is never given back: the primary goes on serving for it.
  for (const [image, version] of cluster.versions) cluster.versions.set(image, { ...version, startsInMs: 2_000 })
  if (!versions.isService) cluster.listPods()
  invariants.note('user deletes the Canary')
  await api.client('user').delete(canaryKind, web)
  void cluster.restartThePodsOf('web')
  const isGone = await time.run(() => api.list(canaryKind).length === 0, 30 * MINUTE)
  const { selector } = api.get(serviceKind, 'web').spec
  return [
    ...(isGone ? [] : ['the deleted Canary is still there']),
    ...(versions.isDown('web') ? ['the deleted Canary left the workload without ready pods'] : []),
    ...(selector?.app === 'web' ? [] : [`the deleted Canary left a Service that selects ${JSON.stringify(selector)}`]),
  ]
}

interface Analysis {
  readonly mirror: boolean
  readonly weights: readonly number[]
  readonly interval: string
  readonly threshold: number
  readonly iterations?: number
  readonly match?: readonly object[]
}

function withStrategy(analysis: Analysis, seed: number): Analysis {
  const match = [{ headers: { 'x-user': { exact: 'beta' } } }]
  const atOnce = { ...analysis, weights: [100], iterations: 1 + (seed % 3) }
  if (seed % 7 === 5) return atOnce
  return seed % 7 === 6 ? { ...atOnce, match } : analysis
}

/** Blue/green without mirroring: checks come before the first requests. */
const isHiddenAtFirst = ({ iterations, match, mirror }: Analysis): boolean =>
  iterations !== undefined && match === undefined && !mirror

function pickAnalysis(random: Random): Analysis {
  const weights = pick([[20, 40], [50], [10, 30, 60, 100], [100]], random)
  return {
    mirror: random() < 0.6,
    weights,
    interval: pick(['5s', '10s'], random),
    threshold: 1 + Math.floor(random() * 3),
  }
}

const pick = <T>(from: readonly [T, ...T[]], random: Random): T => from[Math.floor(random() * from.length)] ?? from[0]

const ofService = {
  spec: { targetRef: { apiVersion: 'v1', kind: 'Service', name: 'web' } },
  analysis: { metrics: [{ name: 'mine', templateRef: { name: 'mine' }, thresholdRange: { max: 1 } }] },
}

function newCanary({ random, versions }: World, { weights, ...analysis }: Analysis): Canary {
  const webhooks = random() < 0.3 ? [{ name: 'gate', type: 'confirm-promotion', url: 'http://gate/' }] : []
  const canary = buildCanary({
    analysis: {
      ...{ ...analysis, stepWeight: undefined, maxWeight: undefined, webhooks },
      ...(analysis.iterations === undefined ? { stepWeights: weights } : {}),
      ...(versions.isService ? ofService.analysis : {}),
    },
    spec: {
      failurePolicy: pick(['rollback', 'rollback', 'hold', 'freeze'], random),
      ...(versions.isService ? ofService.spec : {}),
    },
  })
  const { uid: _, generation: _1, finalizers: _2, ...metadata } = canary.metadata
  return { ...canary, metadata }
}

const phaseOf = ({ api }: World): string | undefined => api.list(canaryKind)[0]?.status?.phase

const accidentKinds = [
  'changeImage',
  'crash',
  'second',
  'jumpClock',
  'losePods',
  'losePrimary',
  'stopMesh',
  'closeGate',
  'promote',
  'abort',
  'suspend',
  'revert',
] as const

type Accident = (typeof accidentKinds)[number]

/** After them time alone may have made something due. */
const wild: readonly Accident[] = ['second', 'jumpClock']

interface Drill extends Readonly<Record<Accident, () => Promise<void>>> {
  start(): void
  stop(): void
  /** Everything that was broken is mended. */
  calmDown(): Promise<void>
  /** What `failurePolicy` froze is an operator's to end. */
  endFrozen(): Promise<void>
}

/** A lease allows one controller at a time; without it a second one works beside the first. */
function createDrill(world: World, twoControllers: boolean): Drill {
  const { api, time, random, cluster, invariants, versions } = world
  const user = api.client('user')
  const processes: ControllerProcess[] = []
  let started = 0
  let latest = 1

  const start = (): void => {
    if (!twoControllers) for (const process of processes.splice(0)) process.kill()
    started += 1
    processes.push(startProcess(world, `controller-${started}`))
    invariants.note(`controller-${started} started`)
  }
  const setVersion = async (number: number): Promise<void> => {
    const image = versions.named(number)
    const spec = { template: { spec: { containers: [{ name: 'web', image }] } } }
    const selector = { app: 'web', version: `${number}` }
    if (versions.isService) await user.patch(serviceKind, web, { spec: { selector } }, { type: 'merge' })
    else await user.patch(deploymentKind, web, { spec }, { type: 'merge' })
    invariants.note(`user sets ${image} (${cluster.versions.get(image)?.verdict})`)
  }
  const annotate = async (annotation: string): Promise<void> => {
    const revision = api.get(canaryKind, 'web').status?.lastAppliedSpec
    const image = currentRun(api)?.spec.images[0]
    if (revision === undefined || image === undefined) return
    if (annotation === promoteAnnotation) invariants.waved(image)
    invariants.note(`user: ${annotation}=${revision} (${image})`)
    await user.patch(canaryKind, web, { metadata: { annotations: { [annotation]: revision } } }, { type: 'merge' })
  }
  const setSuspend = (suspend: boolean) => user.patch(canaryKind, web, { spec: { suspend } }, { type: 'merge' })

  return {
    start,
    stop() {
      for (const process of processes) process.kill()
    },
    async changeImage() {
      latest += 1
      const version: Version = {
        image: versions.named(latest),
        startsInMs: random() < 0.1 ? Number.POSITIVE_INFINITY : 500 + random() * 8_000,
        verdict: pick(['passed', 'passed', 'failed', 'failed', 'no-data'], random),
      }
      cluster.versions.set(version.image, version)
      await setVersion(latest)
    },
    revert: () => setVersion(1 + Math.floor(random() * latest)),
    async crash() {
      const process = processes.shift()
      process?.kill()
      invariants.note(`${process?.name} killed`)
      await time.sleep(random() * 10_000)
      start()
    },
    async second() {
      start()
    },
    async jumpClock() {
      const jump = (random() - 0.5) * 20 * MINUTE
      invariants.note(`the clock of ${processes[0]?.name} jumps by ${Math.round(jump / 1_000)} s`)
      processes[0]?.clock.jump(jump)
    },
    async losePods() {
      invariants.note('pods of the new version are lost')
      await cluster.loseThePodsOf('web', random() * 30_000)
    },
    async losePrimary() {
      invariants.note('pods of the primary are lost')
      await cluster.loseThePodsOf('web-primary', random() * 30_000)
    },
    async stopMesh() {
      cluster.isMeshUp = false
      await time.sleep(random() * 40_000)
      cluster.isMeshUp = true
    },
    async closeGate() {
      world.isGateOpen = false
      await time.sleep(random() * 40_000)
      world.isGateOpen = true
    },
    promote: () => annotate(promoteAnnotation),
    abort: () => annotate(abortAnnotation),
    async suspend() {
      await setSuspend(true)
      invariants.note('suspended')
      await time.sleep(random() * 40_000)
      await setSuspend(false)
      invariants.note('resumed')
    },
    async calmDown() {
      invariants.note('calm from here on')
      world.faults = 0
      world.isGateOpen = true
      cluster.isMeshUp = true
    },
    async endFrozen() {
      if (currentRun(api)?.status?.progress?.frozenAt === undefined) return
      await annotate(abortAnnotation)
      await untilQuiet(world)
    },
  }
}

/** Nothing is written for longer than a clock that jumped back makes a deadline wait. */
async function untilQuiet({ api, time, invariants }: World): Promise<void> {
  const until = time.now() + 120 * MINUTE
  while (time.now() < until) {
    const count = ownWrites(api).length
    await time.run(() => false, 15 * MINUTE)
    if (ownWrites(api).length === count) return
  }
  const recent = ownWrites(api)
    .slice(-5)
    .map(({ verb, kind, name }) => `${verb} ${kind} ${name}`)
  invariants.note(`VIOLATED: still writing after two hours: ${recent.join(', ')}`)
}

const restingPhases: readonly (string | undefined)[] = ['Initialized', 'Succeeded', 'Failed']

/** What must be true of every ending. */
function endViolations({ api, invariants, versions }: World): readonly string[] {
  const canary = api.get(canaryKind, 'web')
  const target = versions.of('web')
  const released = currentRun(api)?.spec.images[0] ?? versions.named(1)
  const { phase, canaryWeight } = canary.status ?? {}
  const foreign = ownWrites(api).filter(({ kind, name }) => !name.startsWith('web') && kind !== 'Event')
  return [
    ...invariants.trace.filter((line) => line.includes('VIOLATED: controller') || line.includes('VIOLATED: still')),
    ...(restingPhases.includes(phase) ? [] : [`the end is ${phase}: ${JSON.stringify(canary.status?.conditions)}`]),
    ...(released === target || target === versions.of('web-primary')
      ? []
      : [`${target} was never released, ${released} was`]),
    ...(versions.isDown('web-primary') ? ['the primary has no ready pod'] : []),
    ...(phase !== 'Failed' && canaryWeight !== 0 ? [`weight ${canaryWeight} in the end`] : []),
    ...foreign.map(({ verb, kind, name }) => `${verb} ${kind} ${name} is no business of ours`),
  ]
}
