import { describe, expect, test } from 'vitest'
import {
  abortAnnotation,
  type Canary,
  canaryKind,
  deploymentKind,
  maxReleasesAnnotation,
  namespaceKind,
} from '../../src/api/index.ts'
import { type KubeClient, KubeError } from '../../src/kube/index.ts'
import { createDeath } from '../support/death.ts'
import { buildDeployment, createCanary, createReleaseCluster, type ReleaseCluster } from '../support/release-cluster.ts'

const started = ['Progressing', 'WaitingPromotion', 'Promoting', 'Finalising']
const phasesOf = (cluster: ReleaseCluster) =>
  Object.fromEntries(cluster.api.list(canaryKind).map(({ metadata, status }) => [metadata.name, status?.phase]))

interface Seen {
  /** Most releases in progress at a time. */
  most: number
  /** Canaries in the order in which their release began. */
  readonly began: string[]
}

function watch(cluster: ReleaseCluster): Seen {
  const seen: Seen = { most: 0, began: [] }
  const phases = new Map<string, string>()
  cluster.api.onWrite((plural, object) => {
    if (plural !== 'canaries') return
    const { metadata, status } = object as Canary
    const isBeginning = started.includes(status?.phase ?? '') && !started.includes(phases.get(metadata.name) ?? '')
    if (isBeginning) seen.began.push(metadata.name)
    phases.set(metadata.name, status?.phase ?? '')
    seen.most = Math.max(seen.most, [...phases.values()].filter((phase) => started.includes(phase)).length)
  })
  return seen
}

interface Group {
  readonly limit?: number
  readonly dependsOn?: Readonly<Record<string, string>>
  readonly skipAnalysis?: boolean
}

/** A namespace with its limit, and Canaries in it. */
async function createGroup(names: readonly string[], { limit, dependsOn = {}, skipAnalysis = true }: Group) {
  const cluster = createReleaseCluster()
  const annotations = limit === undefined ? {} : { [maxReleasesAnnotation]: `${limit}` }
  await cluster.user.create(namespaceKind, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'default', annotations },
  })
  for (const name of names) {
    await cluster.user.create(deploymentKind, buildDeployment(name))
    const targetRef = { kind: 'Deployment', name }
    const others = dependsOn[name] === undefined ? {} : { dependsOn: [{ name: dependsOn[name] }] }
    await createCanary(cluster, { name, spec: { targetRef, skipAnalysis, ...others } })
  }
  return cluster
}

const areAll = (cluster: ReleaseCluster, phase: string) => () =>
  Object.values(phasesOf(cluster)).every((each) => each === phase)

/** Everything that is asked of the API server from now on. */
function counting(asked: string[]): (client: KubeClient) => KubeClient {
  return (client) =>
    new Proxy(client, {
      get(target, name: keyof KubeClient) {
        const call = target[name] as ((...given: unknown[]) => unknown) | undefined
        if (call === undefined) return undefined
        return (...given: unknown[]) => {
          asked.push(name)
          return call.apply(target, given)
        }
      },
    })
}

describe('releases of one namespace', { timeout: 300_000 }, () => {
  const names = ['a', 'b', 'c', 'd', 'e']

  test('at most as many as the limit are in progress, in the order of their changes', async () => {
    const cluster = await createGroup(names, { limit: 2, skipAnalysis: false })
    const stop = cluster.startController()
    await cluster.until('Initialized', areAll(cluster, 'Initialized'))
    const seen = watch(cluster)
    for (const name of names.toReversed()) {
      await cluster.setImage('web:2', name)
      await cluster.pass(100)
    }
    await cluster.until('Succeeded', areAll(cluster, 'Succeeded'))
    expect(seen).toEqual({ most: 2, began: names.toReversed() })
    await stop()
  })

  test('changes at the same moment take no more places than there are', async () => {
    const cluster = await createGroup(names, { limit: 2 })
    const stop = cluster.startController()
    await cluster.until('Initialized', areAll(cluster, 'Initialized'))
    const seen = watch(cluster)
    await Promise.all(names.map((name) => cluster.setImage('web:2', name)))
    await cluster.until('Succeeded', areAll(cluster, 'Succeeded'))
    expect([seen.most, seen.began.toSorted()]).toEqual([2, names])
    await stop()
  })

  test('one that waits asks the API server for nothing, and begins when the other ends', async () => {
    const cluster = await createGroup(['a', 'b'], { limit: 1, skipAnalysis: false })
    const asked: string[] = []
    const stop = cluster.startController({ look: counting(asked) })
    await cluster.until('Initialized', areAll(cluster, 'Initialized'))
    cluster.hanging.add('analyst')
    await cluster.setImage('web:2', 'a')
    await cluster.pass(500)
    await cluster.setImage('web:2', 'b')
    await cluster.pass(20_000)
    expect(phasesOf(cluster)).toEqual({ a: 'Progressing', b: 'Waiting' })
    asked.length = 0
    await cluster.pass(30_000)
    expect(asked).toEqual([])
    cluster.hanging.clear()
    const annotations = { [abortAnnotation]: cluster.canary('a').status?.lastAppliedSpec }
    await cluster.user.patch(
      canaryKind,
      { namespace: 'default', name: 'a' },
      { metadata: { annotations } },
      { type: 'merge' },
    )
    // No time passes: it is told.
    await cluster.pass(0)
    await cluster.pass(0)
    expect(phasesOf(cluster)).toEqual({ a: 'Failed', b: 'Progressing' })
    await stop()
  })

  test('one that is refused when it begins lets others by, and begins when it may', async () => {
    const cluster = await createGroup(['a', 'b'], { limit: 1 })
    let isRefused = false
    const stop = cluster.startController({
      before({ kind, name }) {
        if (!isRefused || kind !== 'Deployment' || name !== 'a') return
        throw new KubeError('patch Deployment default/a: no', { code: 403, reason: 'Forbidden', retry: 'later' })
      },
    })
    await cluster.until('Initialized', areAll(cluster, 'Initialized'))
    isRefused = true
    await cluster.setImage('web:2', 'a')
    const isStalled = ({ status }: Canary) =>
      status?.conditions?.some(({ type, reason }) => type === 'Stalled' && reason === 'RequestRefused') === true
    await cluster.until('a is refused', () => isStalled(cluster.canary('a')))
    await cluster.setImage('web:2', 'b')
    await cluster.until('b goes by', () => phasesOf(cluster).b === 'Succeeded')
    isRefused = false
    await cluster.until('a follows', () => phasesOf(cluster).a === 'Succeeded')
    await stop()
  })

  test('a limit that is lifted lets all begin, and one that cannot be read is none', async () => {
    const cluster = await createGroup(names, { limit: 1, skipAnalysis: false })
    const stop = cluster.startController()
    await cluster.until('Initialized', areAll(cluster, 'Initialized'))
    cluster.hanging.add('analyst')
    await Promise.all(names.map((name) => cluster.setImage('web:2', name)))
    await cluster.pass(1_000)
    expect(Object.values(phasesOf(cluster)).filter((phase) => phase === 'Waiting')).toHaveLength(4)
    const annotations = { [maxReleasesAnnotation]: 'many' }
    await cluster.user.patch(namespaceKind, { name: 'default' }, { metadata: { annotations } }, { type: 'merge' })
    await cluster.pass(1_000)
    expect(areAll(cluster, 'Progressing')()).toBe(true)
    await stop()
  })

  test('a dependency wakes who waits for it, also when it is only now created', async () => {
    const cluster = await createGroup(['b'], { dependsOn: { b: 'a' } })
    const stop = cluster.startController()
    await cluster.until('the first version', () => cluster.canary('b').status?.phase === 'Initialized')
    const stalled = () => cluster.canary('b').status?.conditions?.find(({ type }) => type === 'Stalled')
    await cluster.until('it stalls', () => stalled()?.reason === 'DependencyNotFound')
    await cluster.user.create(deploymentKind, buildDeployment('a'))
    await createCanary(cluster, { name: 'a', spec: { targetRef: { kind: 'Deployment', name: 'a' } } })
    await cluster.until('it recovers', () => stalled()?.status === 'False' && areAll(cluster, 'Initialized')())
    const seen = watch(cluster)
    await cluster.setImage('web:2', 'b')
    await cluster.setImage('web:2', 'a')
    await cluster.until('Succeeded', areAll(cluster, 'Succeeded'))
    expect(seen).toEqual({ most: 1, began: ['a', 'b'] })
    await stop()
  })

  test('a controller that dies at any write loses nobody, and its successor keeps the limit', async () => {
    const story = async (dieAt: number) => {
      const cluster = await createGroup(['a', 'b'], { limit: 1 })
      const death = createDeath(dieAt)
      const first = cluster.startController({ before: death.before })
      let second: (() => Promise<void>) | undefined
      const until = (what: string, condition: () => boolean) =>
        cluster.until(`${what} after write ${dieAt}`, () => {
          if (death.isDead() && second === undefined) {
            void first()
            second = cluster.startController()
          }
          return condition()
        })
      await until('Initialized', areAll(cluster, 'Initialized'))
      const seen = watch(cluster)
      const from = death.writes()
      await Promise.all(['a', 'b'].map((name) => cluster.setImage('web:2', name)))
      await until('Succeeded', areAll(cluster, 'Succeeded'))
      await first()
      await second?.()
      return { seen, from, writes: death.writes() }
    }
    const { from, writes } = await story(Number.POSITIVE_INFINITY)
    expect(writes - from).toBeGreaterThan(20)
    for (let dieAt = from; dieAt <= writes; dieAt += 4) {
      const { seen } = await story(dieAt)
      expect([dieAt, seen.most, seen.began.length]).toEqual([dieAt, 1, 2])
    }
  })
})
