import { describe, expect, test } from 'vitest'
import {
  type Canary,
  canaryKind,
  deploymentKind,
  endpointSliceKind,
  eventKind,
  type KubernetesObject,
  type Namespace,
  namespaceKind,
  podKind,
  serviceKind,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { createDeath } from '../support/death.ts'
import {
  buildDeployment,
  createCanary,
  createReleaseCluster,
  type ReleaseCluster,
  startedCluster,
} from '../support/release-cluster.ts'

const ref = { namespace: 'default', name: 'web' }
const isGone = (cluster: ReleaseCluster) => cluster.api.list(canaryKind).length === 0
const remove = (cluster: ReleaseCluster) => cluster.user.delete(canaryKind, ref)

const writesOf = (cluster: ReleaseCluster, since = 0) =>
  cluster.api.writes
    .slice(since)
    .filter(({ by, kind, subresource }) => by === 'controller' && kind !== 'Event' && subresource === undefined)
    .map(({ verb, kind, name }) => `${verb} ${kind} ${name}`)

const events = (cluster: ReleaseCluster) =>
  cluster.api
    .list(eventKind)
    .filter(({ reason }) => reason === 'Terminating' || reason === 'ProgressDeadlineExceeded')
    .map(({ type, message }) => [type, message])

const owners = ({ metadata }: KubernetesObject) => metadata.ownerReferences?.map(({ name }) => name) ?? []

/** All that is left to users when the Canary is gone. */
function leftOf(cluster: ReleaseCluster) {
  const apex = cluster.api.get(serviceKind, 'web')
  const { replicas, template } = cluster.deployment('web').spec
  return {
    replicas,
    image: template.spec.containers[0]?.image,
    selector: apex.spec.selector,
    apexOwners: owners(apex),
    destinations: cluster.route().spec.http?.map(({ route }) => route?.map(({ destination }) => destination.host)),
  }
}

const given = {
  replicas: 2,
  image: 'web:1',
  selector: { app: 'web' },
  apexOwners: [],
  destinations: [['web']],
}

/** Says that a Service leads to these pods. */
async function lead(cluster: ReleaseCluster, service: string, pods: readonly string[] | null): Promise<void> {
  const endpoints =
    pods?.map((name) => ({ addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', name, namespace: 'default' } })) ?? null
  await cluster.user.replace(endpointSliceKind, { ...cluster.api.get(endpointSliceKind, `${service}-1`), endpoints })
}

const podOfPrimary = ['web-primary-5d4f-x2x4z']
const podOfWorkload = ['web-6c7d-w9k2p']

const edit = async (cluster: ReleaseCluster, spec: object) =>
  void (await cluster.user.patch(canaryKind, ref, { spec }, { type: 'merge' }))

describe('deleting a Canary', () => {
  test('the finalizer is the first thing that is written', async () => {
    const { cluster, stop } = await startedCluster()
    expect(writesOf(cluster).slice(0, 2)).toEqual(['patch Canary web', 'create Deployment web-primary'])
    expect(cluster.canary().metadata.finalizers).toEqual(['sluice.dev/canary'])
    await stop()
  })

  test('pods first, then the route, the Service, the route again, and only then it goes', async () => {
    const { cluster, stop } = await startedCluster()
    // What serves must not go by a deletion in the foreground, which takes what is owned at once.
    expect([cluster.route(), cluster.deployment('web-primary'), ...cluster.api.list(serviceKind)].map(owners)).toEqual([
      [],
      [],
      [],
      [],
      [],
    ])
    const before = cluster.api.writes.length
    await remove(cluster)
    await cluster.until('it is gone', () => isGone(cluster))
    expect(writesOf(cluster, before)).toEqual([
      'patch Deployment web',
      'replace VirtualService web',
      'replace Service web',
      'replace VirtualService web',
      'replace Service web-primary',
      'replace Service web-canary',
      'replace VirtualService web',
      'replace Deployment web-primary',
      'patch Canary web',
    ])
    expect(leftOf(cluster)).toEqual(given)
    // A route of the Service's own name goes with the Canary, as do primary and its Services.
    expect(owners(cluster.route())).toEqual(['web'])
    expect(owners(cluster.deployment('web-primary'))).toEqual(['web'])
    expect(cluster.api.get(serviceKind, 'web').metadata.annotations).toEqual({})
    expect(events(cluster)).toEqual([
      ['Normal', 'Deployment web gets its traffic back'],
      ['Normal', 'Deployment web serves by itself'],
    ])
    const done = cluster.api.writes.length
    await cluster.pass(120_000)
    expect(cluster.api.writes.slice(done)).toEqual([])
    await stop()
  })

  test('a route that a gateway publishes outlives it', async () => {
    const { cluster, stop } = await startedCluster({ service: { gateways: ['public', 'mesh'], timeout: '5s' } })
    await remove(cluster)
    await cluster.until('it is gone', () => isGone(cluster))
    const { spec, metadata } = cluster.route()
    expect(spec.http).toEqual([{ name: 'split', route: [{ destination: { host: 'web' } }], timeout: '5s' }])
    expect([metadata.ownerReferences, metadata.annotations]).toEqual([undefined, {}])
    await stop()
  })

  test('in a release the version under test goes on, and a warning says that it was not promoted', async () => {
    const { cluster, stop } = await startedCluster()
    await cluster.setImage('web:2')
    await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
    await remove(cluster)
    await cluster.until('it is gone', () => isGone(cluster))
    expect(leftOf(cluster)).toEqual({ ...given, image: 'web:2' })
    expect(events(cluster)).toEqual([
      ['Warning', expect.stringMatching(/^Deployment web gets its traffic back with web:2 \(v1-\w+\), which was not/)],
      ['Normal', 'Deployment web serves by itself'],
    ])
    await stop()
  })

  test('a workload that does not start keeps the primary, past every deadline, until it is mended', async () => {
    const { cluster, stop } = await startedCluster()
    cluster.brokenImages.add('web:2')
    await cluster.setImage('web:2')
    await cluster.until('failure', () => cluster.canary().status?.phase === 'Failed')
    await remove(cluster)
    await cluster.until('it is late', () => cluster.canary().status?.conditions?.[2]?.status === 'True')
    await cluster.pass(600_000)
    expect(cluster.canary().status).toMatchObject({
      phase: 'Terminating',
      message:
        'Deployment web was not ready within 1m (0 of 2 pods are ready): what serves now stays until it is, or until it is deleted',
    })
    expect(cluster.api.get(serviceKind, 'web').spec.selector).toEqual({ app: 'web-primary' })
    expect(
      cluster
        .route()
        .spec.http?.at(-1)
        ?.route?.map(({ weight }) => weight),
    ).toEqual([100, 0])
    await cluster.setImage('web:3')
    await cluster.until('it is gone', () => isGone(cluster))
    expect(leftOf(cluster)).toEqual({ ...given, image: 'web:3' })
    await stop()
  })

  test('one that shall give nothing back takes everything with it at once', async () => {
    const { cluster, stop } = await startedCluster({ spec: { revertOnDeletion: false } })
    const before = cluster.api.writes.length
    await remove(cluster)
    await cluster.until('it is gone', () => isGone(cluster))
    expect(writesOf(cluster, before)).toEqual([
      'replace Service web',
      'replace Service web-primary',
      'replace Service web-canary',
      'replace VirtualService web',
      'replace Deployment web-primary',
      'patch Canary web',
    ])
    expect(owners(cluster.api.get(serviceKind, 'web'))).toEqual(['web'])
    expect(cluster.deployment('web').spec.replicas).toBe(0)
    await stop()
  })

  test('a workload that is deleted too lets it go', async () => {
    const { cluster, stop } = await startedCluster()
    cluster.brokenImages.add('web:1')
    await remove(cluster)
    await cluster.until('it waits', () => cluster.canary().status?.phase === 'Terminating')
    await cluster.user.delete(deploymentKind, ref)
    await cluster.until('it is gone', () => isGone(cluster))
    expect(events(cluster).at(-1)).toEqual(['Normal', 'Deployment web is gone: nothing is given back'])
    await stop()
  })

  test('nothing goes while the mesh is down, or while the endpoints name the primary or nobody', async () => {
    const { cluster, stop } = await startedCluster()
    cluster.isMeshUp = false
    await remove(cluster)
    await cluster.pass(30_000)
    expect(cluster.api.get(serviceKind, 'web').spec.selector).toEqual({ app: 'web-primary' })
    cluster.areServicesFollowed = false
    cluster.isMeshUp = true
    await cluster.user.patch(virtualServiceKind, ref, { metadata: { labels: { touched: 'yes' } } }, { type: 'merge' })
    await cluster.until('the apex Service moved', () => leftOf(cluster).selector?.app === 'web')
    for (const pods of [podOfPrimary, [...podOfWorkload, ...podOfPrimary], [], null]) {
      await lead(cluster, 'web', pods)
      await cluster.pass(30_000)
      expect(isGone(cluster)).toBe(false)
    }
    await lead(cluster, 'web', podOfWorkload)
    await cluster.until('it is gone', () => isGone(cluster))
    await stop()
  })

  test('no request goes to pods that the Services do not lead to yet', async () => {
    const { cluster, stop } = await startedCluster()
    cluster.areServicesFollowed = false
    const before = cluster.weights().length
    await remove(cluster)
    await cluster.pass(30_000)
    expect(cluster.deployment('web').status?.readyReplicas).toBe(2)
    expect(cluster.weights().slice(before)).toEqual([])
    await lead(cluster, 'web-canary', podOfWorkload)
    await cluster.until('the apex Service moved', () => leftOf(cluster).selector?.app === 'web')
    await lead(cluster, 'web', podOfWorkload)
    await cluster.until('it is gone', () => isGone(cluster))
    await stop()
  })

  test('pods that are told to go, and are counted still, are not taken for those that users are given back to', async () => {
    const { cluster, stop } = await startedCluster()
    await lead(cluster, 'web-canary', podOfWorkload)
    cluster.areServicesFollowed = false
    cluster.areCountsLate = true
    await remove(cluster)
    await cluster.until('it is scaled up', () => cluster.deployment('web').spec.replicas === 2)
    const { generation: observedGeneration } = cluster.deployment('web').metadata
    const counts = { replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 }
    const status = { ...counts, observedGeneration }
    const before = cluster.weights().length
    await cluster.user.patch(deploymentKind, ref, { status }, { type: 'merge', subresource: 'status' })
    await cluster.pass(30_000)
    expect(cluster.canary().status?.message).toBe('waiting for Deployment web: 0 of 2 pods are ready')
    expect(cluster.weights().slice(before)).toEqual([])
    cluster.areServicesFollowed = true
    cluster.areCountsLate = false
    await cluster.user.patch(deploymentKind, ref, { metadata: { labels: { counted: 'yes' } } }, { type: 'merge' })
    await cluster.until('it is gone', () => isGone(cluster))
    expect(leftOf(cluster)).toEqual(given)
    await stop()
  })

  test('a workload that was scaled down just now is scaled up when its pods are told to go', async () => {
    const { cluster, stop } = await startedCluster()
    cluster.areCountsLate = true
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-6c7d', uid: 'uid', controller: true }
    const pod = { name: 'web-6c7d-w9k2p', namespace: 'default', labels: { app: 'web' }, ownerReferences: [owner] }
    const spec = { containers: [{ name: 'web', image: 'web:1' }] }
    await cluster.user.create(podKind, { apiVersion: 'v1', kind: 'Pod', metadata: pod, spec })
    await remove(cluster)
    await cluster.pass(30_000)
    expect([cluster.canary().status?.phase, cluster.deployment('web').spec.replicas]).toEqual(['Terminating', 0])
    await cluster.user.delete(podKind, pod)
    cluster.areCountsLate = false
    await cluster.until('it is gone', () => isGone(cluster))
    expect(leftOf(cluster)).toEqual(given)
    await stop()
  })

  test('a list of endpoints that is null holds nothing up where there is nothing to give back', async () => {
    const { cluster, stop } = await startedCluster()
    cluster.areServicesFollowed = false
    await lead(cluster, 'web', null)
    await cluster.user.delete(deploymentKind, ref)
    await remove(cluster)
    await cluster.until('it is gone', () => isGone(cluster))
    await stop()
  })

  test('suspension does not hold it', async () => {
    const { cluster, stop } = await startedCluster()
    await edit(cluster, { suspend: true })
    await cluster.until('it is suspended', () => cluster.canary().status?.suspendedAt !== undefined)
    await remove(cluster)
    await cluster.until('it is gone', () => isGone(cluster))
    expect(leftOf(cluster)).toEqual(given)
    await stop()
  })

  test('one that became invalid gives back all the same', async () => {
    const { cluster, stop } = await startedCluster()
    await edit(cluster, { analysis: { interval: 'soon' } })
    await cluster.until('refusal', () => cluster.canary().status?.conditions?.[2]?.reason === 'InvalidCanary')
    await remove(cluster)
    await cluster.until('it is gone', () => isGone(cluster))
    expect(leftOf(cluster)).toEqual(given)
    await stop()
  })

  test('one that does not even name its workload goes at once', async () => {
    const { cluster, stop } = await startedCluster()
    const before = cluster.api.writes.length
    await edit(cluster, { targetRef: { name: null } })
    await remove(cluster)
    await cluster.until('it is gone', () => isGone(cluster))
    expect(writesOf(cluster, before)).toEqual(['patch Canary web'])
    await stop()
  })

  test.each<[string, object]>([
    ['names a workload that does not exist', { targetRef: { kind: 'Deployment', name: 'absent' } }],
    ['is suspended from its beginning', { suspend: true }],
  ])('one that %s is never held', async (_, spec) => {
    const cluster = createReleaseCluster()
    await cluster.user.create(deploymentKind, buildDeployment())
    await createCanary(cluster, { spec })
    const stop = cluster.startController()
    await cluster.until('status', () => cluster.canary().status !== undefined)
    await remove(cluster)
    expect(isGone(cluster)).toBe(true)
    expect(writesOf(cluster)).toEqual([])
    await stop()
  })

  test('finalizers of others stay, and without ours nothing is done', async () => {
    const { cluster, stop } = await startedCluster()
    const finalizers = ['sluice.dev/canary', 'example.com/audit']
    await cluster.user.patch(canaryKind, ref, { metadata: { finalizers } }, { type: 'merge' })
    await remove(cluster)
    await cluster.until('ours is off', () => cluster.canary().metadata.finalizers?.length === 1)
    expect(cluster.canary().metadata.finalizers).toEqual(['example.com/audit'])
    const before = cluster.api.writes.length
    await cluster.pass(60_000)
    expect(cluster.api.writes.slice(before)).toEqual([])
    await stop()
  })

  test('a namespace that is deleted is not held up', async () => {
    const { cluster, stop } = await startedCluster()
    const metadata = { name: 'default', deletionTimestamp: '2026-01-01T00:00:00Z' }
    const namespace: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata }
    await cluster.user.create(namespaceKind, namespace)
    const before = cluster.api.writes.length
    await remove(cluster)
    await cluster.until('it is gone', () => isGone(cluster))
    expect(writesOf(cluster, before)).toEqual(['patch Canary web'])
    await stop()
  })

  test('the second Canary of a workload gives nothing back: it is the first one’s', async () => {
    const { cluster, stop } = await startedCluster()
    await createCanary(cluster, { name: 'twin' })
    await cluster.until('refusal', () => cluster.canary('twin').status?.conditions?.[2]?.reason === 'TargetClaimed')
    const before = cluster.api.writes.length
    await cluster.user.delete(canaryKind, { namespace: 'default', name: 'twin' })
    await cluster.pass(10_000)
    expect(cluster.api.list<Canary>(canaryKind).map(({ metadata }) => metadata.name)).toEqual(['web'])
    expect(writesOf(cluster, before)).toEqual([])
    await stop()
  })
})

/** Deletes while a controller dies at its Nth write from then on; another takes over. */
async function deleteAndDie(dieAt: number) {
  const cluster = createReleaseCluster()
  await cluster.user.create(deploymentKind, buildDeployment())
  await createCanary(cluster)
  let isDeleted = false
  const death = createDeath(dieAt, () => isDeleted)
  const stopFirst = cluster.startController({ before: death.before })
  await cluster.until('first version', () => cluster.canary().status?.phase === 'Initialized')
  isDeleted = true
  await remove(cluster)
  await cluster.pass(5_000)
  await stopFirst()
  const stop = cluster.startController()
  await cluster.until('it is gone', () => isGone(cluster))
  await stop()
  return { left: leftOf(cluster), writes: death.writes() }
}

test('a controller that dies at any write of a deletion leaves it to its successor', async () => {
  const { writes } = await deleteAndDie(Number.POSITIVE_INFINITY)
  expect(writes).toBeGreaterThan(7)
  for (let dieAt = 1; dieAt <= writes; dieAt++) {
    const { left } = await deleteAndDie(dieAt)
    expect([dieAt, left]).toEqual([dieAt, given])
  }
})
