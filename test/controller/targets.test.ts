import { describe, expect, test } from 'vitest'
import {
  canaryKind,
  type DaemonSet,
  type Deployment,
  daemonSetKind,
  deploymentKind,
  serviceKind,
} from '../../src/api/index.ts'
import { targetFacts } from '../../src/controller/workload/facts.ts'
import { isNowhere, scalePatch, templateOf } from '../../src/controller/workload/workload.ts'
import { buildDeployment, createCanary, createReleaseCluster, type ReleaseCluster } from '../support/release-cluster.ts'

const namespace = 'default'
const NODES = 3
const targetRef = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'web' }

const daemonSet = (image = 'web:1'): DaemonSet => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'web', namespace },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { nodeSelector: { disk: 'ssd' }, containers: [{ name: 'web', image }] },
    },
    updateStrategy: { type: 'RollingUpdate' },
  },
})

/** What the DaemonSet controller and the kubelets of three nodes would do, at once. */
function runNodes(cluster: ReleaseCluster): void {
  const world = cluster.api.client('world')
  cluster.api.onWrite((plural, object) => {
    if (plural !== 'daemonsets') return
    void world.get(daemonSetKind, { namespace, name: object.metadata.name }).then(async (current) => {
      if (current === undefined) return
      const { nodeSelector = {} } = current.spec.template.spec
      const pods = Object.keys(nodeSelector).some((label) => label !== 'disk') ? 0 : NODES
      const status = {
        observedGeneration: current.metadata.generation ?? 1,
        currentNumberScheduled: pods,
        desiredNumberScheduled: pods,
        numberMisscheduled: 0,
        numberReady: pods,
        updatedNumberScheduled: pods,
        numberAvailable: pods,
      }
      await world.replace(daemonSetKind, { ...current, status }, 'status').catch(() => undefined)
    })
  })
}

async function started() {
  const cluster = createReleaseCluster()
  runNodes(cluster)
  await cluster.user.create(daemonSetKind, daemonSet())
  await createCanary(cluster, { spec: { targetRef } })
  const stop = cluster.startController()
  await cluster.until('first version', () => phase(cluster) === 'Initialized')
  return { cluster, stop }
}

const phase = (cluster: ReleaseCluster) => cluster.canary().status?.phase
const podSpec = (cluster: ReleaseCluster, name: string) => cluster.api.get(daemonSetKind, name).spec.template.spec
const setImage = (cluster: ReleaseCluster, image: string) =>
  cluster.user.patch(
    daemonSetKind,
    { namespace, name: 'web' },
    { spec: { template: { spec: { containers: [{ name: 'web', image }] } } } },
    { type: 'merge' },
  )

describe('a DaemonSet', () => {
  test('runs nowhere between releases, and its primary where it ran', async () => {
    const { cluster, stop } = await started()
    expect(podSpec(cluster, 'web').nodeSelector).toEqual({ disk: 'ssd', 'sluice.dev/scale-to-zero': 'true' })
    expect(cluster.api.get(daemonSetKind, 'web-primary').spec).toEqual({
      ...daemonSet().spec,
      selector: { matchLabels: { app: 'web-primary' } },
      template: { ...daemonSet().spec.template, metadata: { labels: { app: 'web-primary' } } },
    })
    expect(cluster.runs()).toEqual([])
    await stop()
  })

  test('is released and promoted, and that it is sent away again is no new revision', async () => {
    const { cluster, stop } = await started()
    await setImage(cluster, 'web:2')
    await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
    expect(podSpec(cluster, 'web').nodeSelector).toEqual({ disk: 'ssd' })
    await cluster.until('success', () => phase(cluster) === 'Succeeded')
    expect(podSpec(cluster, 'web-primary')).toMatchObject({
      nodeSelector: { disk: 'ssd' },
      containers: [{ image: 'web:2' }],
    })
    expect(podSpec(cluster, 'web').nodeSelector).toMatchObject({ 'sluice.dev/scale-to-zero': 'true' })
    await cluster.pass(60_000)
    expect(cluster.runs()).toHaveLength(1)
    await stop()
  })

  test('that is bad goes back', async () => {
    const { cluster, stop } = await started()
    cluster.verdict = 'failed'
    await setImage(cluster, 'web:2')
    await cluster.until('failure', () => phase(cluster) === 'Failed')
    expect(podSpec(cluster, 'web').nodeSelector).toMatchObject({ 'sluice.dev/scale-to-zero': 'true' })
    expect(podSpec(cluster, 'web-primary').containers[0]?.image).toBe('web:1')
    await stop()
  })

  test('serves by itself before a deleted Canary goes', async () => {
    const { cluster, stop } = await started()
    await cluster.user.delete(canaryKind, { namespace, name: 'web' })
    await cluster.until('it is gone', () => cluster.api.list(canaryKind).length === 0)
    expect(podSpec(cluster, 'web')).toEqual(daemonSet().spec.template.spec)
    expect(cluster.api.get(serviceKind, 'web').spec.selector).toEqual({ app: 'web' })
    await stop()
  })

  test('that Flagger sent to no node is there already, and comes back by its label', () => {
    const { spec, ...rest } = daemonSet()
    const nodeSelector = { disk: 'ssd', 'flagger.app/scale-to-zero': 'true' }
    const away = {
      ...rest,
      spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, nodeSelector } } },
    }
    const called = { spec: { template: { spec: { nodeSelector: { 'flagger.app/scale-to-zero': null } } } } }
    expect([isNowhere(away), scalePatch(away, 0), scalePatch(away, 1)]).toEqual([true, undefined, called])
    expect(templateOf(away)).toEqual(templateOf(daemonSet()))
  })

  test('that is missing is named as what it is', async () => {
    const cluster = createReleaseCluster()
    await cluster.user.create(deploymentKind, buildDeployment())
    await createCanary(cluster, { spec: { targetRef } })
    const stop = cluster.startController()
    await cluster.until('refusal', () => cluster.canary().status?.conditions?.[2]?.reason === 'TargetNotFound')
    expect(cluster.canary().status?.message).toBe(
      'DaemonSet web does not exist: create it or correct spec.targetRef.name',
    )
    await stop()
  })
})

test('a StatefulSet is refused with its reason, and nothing is made', async () => {
  const cluster = createReleaseCluster()
  await createCanary(cluster, { spec: { targetRef: { ...targetRef, kind: 'StatefulSet' } } })
  const stop = cluster.startController()
  await cluster.until('refusal', () => cluster.canary().status?.conditions?.[2]?.reason === 'UnsupportedTarget')
  expect(cluster.canary().status?.message).toContain('StatefulSet web cannot be released by a copy')
  const written = cluster.api.writes.filter(({ by, kind }) => by === 'controller' && kind !== 'Event')
  expect(written.map(({ verb, kind }) => `${verb} ${kind}`)).toEqual(['replace Canary'])
  await stop()
})

const partly = (available: number, more: object = {}) => {
  const counts = { replicas: 4, updatedReplicas: 4, readyReplicas: available, availableReplicas: available }
  return { ...buildDeployment('web', 'web:1', 4), status: { observedGeneration: 1, ...counts, ...more } }
}

test.each<[string, Deployment, number, boolean]>([
  ['all of four', partly(4), 100, true],
  ['three of four', partly(3), 100, false],
  ['two of four, where half is enough', partly(2), 50, true],
  ['one of four, where half is enough', partly(1), 50, false],
  ['three of four, where 99 % is enough', partly(3), 99, true],
  ['none of four, where 1 % is enough', partly(0), 1, false],
  ['one of four, where 1 % is enough', partly(1), 1, true],
  ['half of four beside a pod of an older template', partly(2, { replicas: 5 }), 50, false],
  ['half of four, of a status that is late', { ...partly(2), metadata: { name: 'web', generation: 2 } }, 50, false],
])('available pods: %s', (_, deployment, threshold, isReady) => {
  expect(targetFacts(deployment, new Map(), threshold).isReady).toBe(isReady)
})
