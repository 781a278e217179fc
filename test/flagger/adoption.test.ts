import { describe, expect, test } from 'vitest'
import {
  configMapKind,
  deploymentKind,
  flaggerCanaryKind,
  type KubernetesObject,
  serviceKind,
} from '../../src/api/index.ts'
import { createFlaggerClient } from '../../src/flagger/index.ts'
import { makeAsFlagger, ref, setTemplate } from '../support/flagger-made.ts'
import { createReleaseCluster, type ReleaseCluster } from '../support/release-cluster.ts'

const canary = (cluster: ReleaseCluster) => cluster.api.get(flaggerCanaryKind, 'web')
const isGone = (cluster: ReleaseCluster) => cluster.api.list(flaggerCanaryKind).length === 0
const owners = ({ metadata }: KubernetesObject) => metadata.ownerReferences?.map(({ name }) => name) ?? []
const start = (cluster: ReleaseCluster) => cluster.startController({ look: createFlaggerClient })

const serving = (cluster: ReleaseCluster): readonly KubernetesObject[] => [
  cluster.deployment('web-primary'),
  ...['web', 'web-primary', 'web-canary'].map((name) => cluster.api.get(serviceKind, name)),
  cluster.route(),
]

async function takenOver() {
  const cluster = createReleaseCluster()
  await makeAsFlagger(cluster)
  const stop = start(cluster)
  await cluster.until('it is taken over', () => canary(cluster).status?.phase === 'Initialized')
  await cluster.pass(60_000)
  return { cluster, stop }
}

describe('what Flagger made', () => {
  test('is taken over without a release, and no pod restarts', async () => {
    const cluster = createReleaseCluster()
    await makeAsFlagger(cluster)
    const before = cluster.deployment('web-primary')
    expect(serving(cluster).map(owners)).toEqual([['web'], ['web'], ['web'], ['web'], ['web']])
    const stop = start(cluster)
    await cluster.until('it is taken over', () => canary(cluster).status?.phase === 'Initialized')
    await cluster.pass(60_000)
    expect([canary(cluster).status?.phase, cluster.runs()]).toEqual(['Initialized', []])
    expect(cluster.deployment('web-primary').spec).toEqual(before.spec)
    expect(cluster.deployment('web').spec.replicas).toBe(0)
    // From now on nothing that serves goes with a Canary that is deleted in the foreground.
    expect(serving(cluster).map(owners)).toEqual([[], [], [], [], []])
    const { lastAppliedSpec, lastPromotedSpec } = canary(cluster).status ?? {}
    expect([lastAppliedSpec, lastPromotedSpec]).toEqual([expect.stringMatching(/^v1-/), lastAppliedSpec])
    const { length } = cluster.api.writes
    await cluster.pass(600_000)
    expect(cluster.api.writes.slice(length)).toEqual([])
    await stop()
  })

  test('is released and promoted from then on', async () => {
    const { cluster, stop } = await takenOver()
    await setTemplate(cluster, 'web:2')
    await cluster.until('promotion', () => canary(cluster).status?.phase === 'Succeeded')
    const { template } = cluster.deployment('web-primary').spec
    expect(template.spec.containers[0]?.image).toBe('web:2')
    expect(template.spec.containers[0]?.envFrom?.[0]?.configMapRef?.name).toMatch(/^settings-primary-[0-9a-f]{10}$/)
    expect(template.metadata).toEqual({ labels: { app: 'web-primary' }, annotations: { note: 'a' } })
    await stop()
  })

  test.each([
    ['image', (cluster: ReleaseCluster) => setTemplate(cluster, 'web:2')],
    [
      'setting',
      (cluster: ReleaseCluster) =>
        cluster.user.patch(configMapKind, { ...ref, name: 'settings' }, { data: { color: 'red' } }, { type: 'merge' }),
    ],
  ] as const)('and is not what runs is released: another %s, changed while nobody looked', async (_, change) => {
    const cluster = createReleaseCluster()
    await makeAsFlagger(cluster)
    await change(cluster)
    const stop = start(cluster)
    await cluster.until('promotion', () => canary(cluster).status?.phase === 'Succeeded' && cluster.runs().length === 1)
    expect(cluster.runs().map(({ status }) => status?.phase)).toEqual(['Succeeded'])
    await stop()
  })

  test.each([
    ['when it was taken over', true],
    ['before', false],
  ])('is given back when its Canary is deleted %s, though it held it for Flagger', async (_, isTakenOver) => {
    const gateways = ['public', 'mesh']
    const cluster = createReleaseCluster()
    await makeAsFlagger(cluster, { hosts: ['shop.example.com'], gateways })
    if (!isTakenOver) await cluster.user.delete(flaggerCanaryKind, ref)
    const stop = start(cluster)
    if (isTakenOver) {
      await cluster.until('it is taken over', () => canary(cluster).status?.phase === 'Initialized')
      await cluster.user.delete(flaggerCanaryKind, ref)
    }
    await cluster.until('it is gone', () => isGone(cluster))
    const apex = cluster.api.get(serviceKind, 'web')
    expect([cluster.deployment('web').spec.replicas, apex.spec.selector]).toEqual([2, { app: 'web' }])
    // What Kubernetes would collect now.
    expect([apex, cluster.route()].map(owners)).toEqual([[], []])
    expect(owners(cluster.deployment('web-primary'))).toEqual(['web'])
    await stop()
  })

  test('stays to the end of a Canary that gives nothing back', async () => {
    const { cluster, stop } = await takenOver()
    await cluster.user.patch(flaggerCanaryKind, ref, { spec: { revertOnDeletion: false } }, { type: 'merge' })
    await cluster.user.delete(flaggerCanaryKind, ref)
    await cluster.until('it is gone', () => isGone(cluster))
    expect(serving(cluster).map(owners)).toEqual([['web'], ['web'], ['web'], ['web'], ['web']])
    expect(cluster.api.list(deploymentKind).map(({ metadata }) => metadata.name)).toEqual(['web', 'web-primary'])
    await stop()
  })
})
