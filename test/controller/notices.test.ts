import { describe, expect, test } from 'vitest'
import {
  alertProviderKind,
  type CoreEvent,
  canaryKind,
  canaryRunKind,
  deploymentKind,
  eventKind,
} from '../../src/api/index.ts'
import { KubeError } from '../../src/kube/index.ts'
import type { Notice, NoticeResult, Notifier } from '../../src/notify/index.ts'
import { processIsGone } from '../support/death.ts'
import { silentNotifier } from '../support/notices.ts'
import { buildDeployment, createCanary, createReleaseCluster, type ReleaseCluster } from '../support/release-cluster.ts'

const alerts = [{ name: 'chat', severity: 'info', providerRef: { name: 'chat' } }]

async function createTold(spec: object = {}): Promise<ReleaseCluster> {
  const cluster = createReleaseCluster()
  await cluster.user.create(deploymentKind, buildDeployment())
  await cluster.user.create(alertProviderKind, {
    apiVersion: 'sluice.dev/v1',
    kind: 'AlertProvider',
    metadata: { name: 'chat', namespace: 'default' },
    spec: { type: 'webhook', username: 'sluice', address: 'https://chat.example.com/' },
  })
  await createCanary(cluster, { analysis: { alerts, mirror: false, stepWeight: 40 }, spec })
  return cluster
}

const phase = (cluster: ReleaseCluster) => cluster.canary().status?.phase
const owed = (cluster: ReleaseCluster) => cluster.runs().flatMap(({ status }) => status?.notices ?? [])

interface Story {
  readonly verdict: 'passed' | 'failed'
  readonly end: string
  readonly told: readonly string[]
}

interface Death {
  /** Dies at this write, counted from the first of the release. */
  readonly atWrite?: number
  /** Dies at this notice, with it on its way: it arrives or not. */
  readonly atNotice?: number
  readonly arrives?: boolean
}

/** What arrived at the receiver over both lives of the controller. */
async function releaseWith({ verdict, end }: Story, death: Death) {
  const cluster = await createTold({ skipAnalysis: verdict === 'passed' })
  cluster.verdict = verdict
  const arrived: Notice[] = []
  let [writes, notices] = [0, 0]
  let [isReleasing, isDead] = [false, false]
  const before = () => {
    if (isReleasing) writes += 1
    isDead ||= writes > 0 && writes === death.atWrite
    if (isDead) throw processIsGone()
  }
  const dying: Notifier = {
    async send(_, notice) {
      if (isDead) return new Promise<NoticeResult>(() => undefined)
      if (isReleasing) notices += 1
      if (notices > 0 && notices === death.atNotice) isDead = true
      if (!isDead || death.arrives) arrived.push(notice)
      return isDead ? new Promise<NoticeResult>(() => undefined) : 'sent'
    },
    drain: async () => undefined,
  }
  const lasting: Notifier = {
    async send(_, notice) {
      arrived.push(notice)
      return 'sent'
    },
    drain: async () => undefined,
  }
  const stops = [cluster.startController({ before, notifier: dying })]
  const until = (what: string, condition: () => boolean) =>
    cluster.until(`${what}, ${JSON.stringify(death)}`, () => {
      if (isDead && stops.length === 1) {
        void stops[0]?.()
        stops.push(cluster.startController({ notifier: lasting }))
      }
      return condition()
    })
  await until('Initialized', () => phase(cluster) === 'Initialized')
  isReleasing = true
  arrived.length = 0
  await cluster.setImage('web:2')
  await until(end, () => phase(cluster) === end && (!isDead || stops.length === 2))
  await until('nothing is owed', () => owed(cluster).length === 0)
  for (const stop of stops) await stop()
  return { arrived, writes, notices }
}

describe('a notice', { timeout: 300_000 }, () => {
  const told = ['NewRevision', 'Promoting', 'Succeeded']

  test.each<Story>([
    { verdict: 'passed', end: 'Succeeded', told },
    { verdict: 'failed', end: 'Failed', told: ['NewRevision', 'ThresholdReached'] },
  ])('is delivered at least once, under one id, wherever the controller is killed: $end', async (story) => {
    const { arrived, writes, notices } = await releaseWith(story, {})
    expect([arrived.map(({ reason }) => reason), notices]).toEqual([story.told, story.told.length])
    const deaths: Death[] = [
      ...Array.from({ length: writes }, (_, index) => ({ atWrite: index + 1 })),
      ...story.told.map((_, index) => index + 1).flatMap((atNotice) => [{ atNotice }, { atNotice, arrives: true }]),
    ]
    for (const death of deaths) {
      const seen = (await releaseWith(story, death)).arrived
      const byId = new Map(seen.map(({ id, reason }) => [id, reason]))
      expect([death, [...byId.values()].toSorted()]).toEqual([death, story.told.toSorted()])
    }
  })

  test('is struck off its record once it was delivered, and costs no write beyond', async () => {
    const cluster = await createTold()
    const stop = cluster.startController()
    await cluster.until('Initialized', () => phase(cluster) === 'Initialized')
    await cluster.setImage('web:2')
    await cluster.until('Succeeded', () => phase(cluster) === 'Succeeded')
    await cluster.pass(1_000)
    expect(owed(cluster)).toEqual([])
    const before = cluster.api.writes.length
    await cluster.pass(120_000)
    expect(cluster.api.writes.length).toBe(before)
    await stop()
  })

  test('of an end is an event, too, where the way back was refused at first', async () => {
    const cluster = await createTold()
    const refused: string[] = []
    const stop = cluster.startController({
      before({ kind }) {
        if (kind !== 'VirtualService' || cluster.verdict === 'passed' || refused.length > 0) return
        refused.push(kind)
        throw new KubeError('somebody else has written it', { code: 409, reason: 'Conflict', retry: 'later' })
      },
    })
    await cluster.until('Initialized', () => phase(cluster) === 'Initialized')
    await cluster.setImage('web:2')
    await cluster.until('40 %', () => cluster.weights().at(-1) === '40')
    cluster.verdict = 'failed'
    await cluster.until('Failed', () => phase(cluster) === 'Failed')
    await cluster.pass(5_000)
    expect(refused).toEqual(['VirtualService'])
    expect(cluster.api.list<CoreEvent>(eventKind).map(({ reason }) => reason)).toContain('ThresholdReached')
    await stop()
  })

  test('that its receiver never answers is on record, and holds nothing up', async () => {
    const cluster = await createTold()
    const sent: string[] = []
    const stop = cluster.startController({ notifier: silentNotifier(sent) })
    await cluster.until('Initialized', () => phase(cluster) === 'Initialized')
    await cluster.setImage('web:2')
    await cluster.until('Succeeded', () => phase(cluster) === 'Succeeded')
    expect(sent).toEqual(['Initialized', ...told])
    expect(owed(cluster).map(({ reason, severity, weight }) => [reason, severity, weight])).toEqual([
      ['NewRevision', 'info', 0],
      ['Promoting', 'info', 40],
      ['Succeeded', 'info', 0],
    ])
    await stop()
    // The next leader delivers what is owed.
    const second = cluster.startController()
    await cluster.until('nothing is owed', () => owed(cluster).length === 0)
    expect(cluster.sent.map(({ notice }) => notice.reason)).toEqual(told)
    await second()
  })

  test('of a run that gave way to another is delivered from its own record', async () => {
    const cluster = await createTold()
    const stop = cluster.startController({ notifier: silentNotifier() })
    await cluster.until('Initialized', () => phase(cluster) === 'Initialized')
    await cluster.setImage('web:2')
    await cluster.until('it is weighted', () => cluster.weights().at(-1) === '40')
    await cluster.setImage('web:3')
    await cluster.until('the second run', () => cluster.runs().length === 2)
    await stop()
    const second = cluster.startController()
    await cluster.until('Succeeded', () => phase(cluster) === 'Succeeded')
    await cluster.until('nothing is owed', () => owed(cluster).length === 0)
    const seen = cluster.sent.map(({ notice }) => [notice.reason, notice.fields.find(({ name }) => name === 'Images')])
    expect(seen).toContainEqual(['Superseded', { name: 'Images', value: expect.stringMatching(/^web:1 -> web:2 /) }])
    expect(new Set(cluster.sent.map(({ notice }) => notice.id)).size).toBe(cluster.sent.length)
    await second()
  })

  describe('of a Canary that is deleted half-way', () => {
    const silent: Notifier = { send: () => new Promise<NoticeResult>(() => undefined), drain: async () => undefined }
    const isGone = (cluster: ReleaseCluster) => cluster.api.list(canaryKind).length === 0

    /** Its workload serves by itself, and nobody has heard of it. */
    async function deleteUntold(cluster: ReleaseCluster): Promise<() => Promise<void>> {
      const stop = cluster.startController({ notifier: silent })
      await cluster.until('Initialized', () => phase(cluster) === 'Initialized')
      await cluster.setImage('web:2')
      await cluster.until('it is weighted', () => cluster.weights().at(-1) === '40')
      await cluster.user.delete(canaryKind, { namespace: 'default', name: 'web' })
      await cluster.until('it serves by itself', () => /serves by itself/.test(cluster.canary().status?.message ?? ''))
      expect(cluster.canary().status?.message).toBe('Deployment web serves by itself; its alerts are being delivered')
      return stop
    }

    test('is on record until it was delivered: the next leader lets the Canary go', async () => {
      const cluster = await createTold()
      const stop = await deleteUntold(cluster)
      await stop()
      const second = cluster.startController()
      await cluster.until('it is gone', () => isGone(cluster))
      expect(cluster.sent.map(({ notice }) => notice.reason)).toEqual(['NewRevision', 'Terminating'])
      await second()
    })

    test('does not keep it for longer than its workload may take', async () => {
      const cluster = await createTold({ progressDeadlineSeconds: 60 })
      const stop = await deleteUntold(cluster)
      await cluster.pass(30_000)
      expect(isGone(cluster)).toBe(false)
      await cluster.pass(60_000)
      expect(isGone(cluster)).toBe(true)
      await stop()
    })
  })

  test('that nobody asked for is not recorded', async () => {
    const cluster = createReleaseCluster()
    await cluster.user.create(deploymentKind, buildDeployment())
    await createCanary(cluster)
    const stop = cluster.startController()
    let most = 0
    cluster.api.onWrite(() => {
      most = Math.max(most, ...cluster.api.list(canaryRunKind).map(({ status }) => status?.notices?.length ?? 0))
    })
    await cluster.until('Initialized', () => phase(cluster) === 'Initialized')
    await cluster.setImage('web:2')
    await cluster.until('Succeeded', () => phase(cluster) === 'Succeeded')
    expect(most).toBe(0)
    await stop()
  })
})
