import { describe, expect, test } from 'vitest'
import {
  canaryKind,
  deploymentKind,
  type HorizontalPodAutoscaler,
  horizontalPodAutoscalerKind,
  type ScaledObject,
  scaledObjectKind,
} from '../../src/api/index.ts'
import { renderPrimaryAutoscaler } from '../../src/controller/autoscaler/render.ts'
import { buildCanary } from '../support/canary-objects.ts'
import { buildDeployment, createCanary, createReleaseCluster, type ReleaseCluster } from '../support/release-cluster.ts'

const namespace = 'default'
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
const pausedKey = 'autoscaling.keda.sh/paused-replicas'

const horizontal: HorizontalPodAutoscaler = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'web', namespace, labels: { team: 'shop' } },
  spec: {
    scaleTargetRef,
    minReplicas: 3,
    maxReplicas: 9,
    metrics: [{ type: 'Resource' }],
    behavior: { scaleDown: {} },
  },
}

const scaled = (spec: Partial<ScaledObject['spec']> = {}): ScaledObject => ({
  apiVersion: 'keda.sh/v1alpha1',
  kind: 'ScaledObject',
  metadata: { name: 'web', namespace },
  spec: { scaleTargetRef: { name: 'web' }, minReplicaCount: 2, triggers: [], ...spec },
})

const refTo = (kind: 'HorizontalPodAutoscaler' | 'ScaledObject', more: object = {}) => ({
  autoscalerRef: { kind, name: 'web', ...more },
})

async function started(autoscaler: HorizontalPodAutoscaler | ScaledObject | undefined, spec: object) {
  const cluster = createReleaseCluster()
  await cluster.user.create(deploymentKind, buildDeployment())
  if (autoscaler?.kind === 'ScaledObject') await cluster.user.create(scaledObjectKind, autoscaler as ScaledObject)
  else if (autoscaler) await cluster.user.create(horizontalPodAutoscalerKind, autoscaler as HorizontalPodAutoscaler)
  await createCanary(cluster, { spec })
  const stop = cluster.startController()
  return { cluster, stop }
}

const phase = (cluster: ReleaseCluster) => cluster.canary().status?.phase
const paused = (cluster: ReleaseCluster) => cluster.api.get(scaledObjectKind, 'web').metadata.annotations?.[pausedKey]

describe('a HorizontalPodAutoscaler', () => {
  test('is copied for the primary with its bounds, and follows its source without a release', async () => {
    const primaryScalerReplicas = { maxReplicas: 20 }
    const { cluster, stop } = await started(horizontal, refTo('HorizontalPodAutoscaler', { primaryScalerReplicas }))
    await cluster.until('first version', () => phase(cluster) === 'Initialized')
    const { metadata, spec } = cluster.api.get(horizontalPodAutoscalerKind, 'web-primary')
    expect(spec).toEqual({
      ...horizontal.spec,
      scaleTargetRef: { ...scaleTargetRef, name: 'web-primary' },
      maxReplicas: 20,
    })
    expect([metadata.labels, metadata.annotations]).toMatchObject([undefined, { 'sluice.dev/canary': 'web' }])
    await cluster.user.patch(
      horizontalPodAutoscalerKind,
      { namespace, name: 'web' },
      { spec: { minReplicas: 5 } },
      { type: 'merge' },
    )
    await cluster.until(
      'the copy',
      () => cluster.api.get(horizontalPodAutoscalerKind, 'web-primary').spec.minReplicas === 5,
    )
    expect(cluster.runs()).toEqual([])
    await stop()
  })

  test('alone sets the number of pods of the primary, and the new version begins with its fewest', async () => {
    const { cluster, stop } = await started(horizontal, refTo('HorizontalPodAutoscaler'))
    await cluster.until('first version', () => phase(cluster) === 'Initialized')
    await cluster.user.patch(
      deploymentKind,
      { namespace, name: 'web-primary' },
      { spec: { replicas: 7 } },
      { type: 'merge' },
    )
    await cluster.setImage('web:2')
    await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
    expect(cluster.deployment('web').spec.replicas).toBe(3)
    await cluster.user.patch(deploymentKind, { namespace, name: 'web' }, { spec: { replicas: 4 } }, { type: 'merge' })
    await cluster.until('success', () => phase(cluster) === 'Succeeded')
    expect(cluster.deployment('web-primary').spec.replicas).toBe(7)
    await stop()
  })

  test('that is missing stalls the Canary until it is there', async () => {
    const { cluster, stop } = await started(undefined, refTo('HorizontalPodAutoscaler'))
    await cluster.until('refusal', () => cluster.canary().status?.conditions?.[2]?.reason === 'AutoscalerNotFound')
    expect(cluster.canary().status?.message).toBe(
      'HorizontalPodAutoscaler web does not exist: create it or correct spec.autoscalerRef',
    )
    await cluster.user.create(horizontalPodAutoscalerKind, horizontal)
    await cluster.until('first version', () => phase(cluster) === 'Initialized')
    await stop()
  })
})

describe('a ScaledObject', () => {
  test('is paused while no release is on, and resumed for each', async () => {
    const { cluster, stop } = await started(scaled(), refTo('ScaledObject'))
    await cluster.until('first version', () => phase(cluster) === 'Initialized')
    expect(paused(cluster)).toBe('0')
    expect(cluster.api.get(scaledObjectKind, 'web-primary').metadata.annotations?.[pausedKey]).toBeUndefined()
    await cluster.setImage('web:2')
    await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
    expect([paused(cluster), cluster.deployment('web').spec.replicas]).toEqual([undefined, 2])
    await cluster.until('success', () => phase(cluster) === 'Succeeded')
    expect([paused(cluster), cluster.deployment('web').spec.replicas]).toEqual(['0', 0])
    cluster.verdict = 'failed'
    await cluster.setImage('web:3')
    await cluster.until('failure', () => phase(cluster) === 'Failed')
    expect(paused(cluster)).toBe('0')
    await stop()
  })

  test('is resumed before a deleted Canary goes, and its copy goes too', async () => {
    const { cluster, stop } = await started(scaled(), refTo('ScaledObject'))
    await cluster.until('first version', () => phase(cluster) === 'Initialized')
    await cluster.user.delete(canaryKind, { namespace, name: 'web' })
    await cluster.until('it is gone', () => cluster.api.list(canaryKind).length === 0)
    expect(paused(cluster)).toBeUndefined()
    expect(cluster.api.get(scaledObjectKind, 'web-primary').metadata.ownerReferences).toHaveLength(1)
    await stop()
  })

  test('asks for the primary where it asked for the workload', () => {
    const query = (text: string, name?: string) => ({
      type: 'prometheus',
      ...(name === undefined ? {} : { name }),
      metadata: { query: text },
    })
    const source = scaled({
      advanced: { horizontalPodAutoscalerConfig: { name: 'web-hpa' } },
      triggers: [
        query('sum(rate(requests{app="web",canary!="web-canary"}[1m])) / webhooks_total'),
        query('my own', 'rps'),
        { type: 'cpu', metadata: { value: '50' } },
      ],
    })
    const { autoscalerRef } = refTo('ScaledObject', { primaryScalerQueries: { rps: 'the other' } })
    const { spec } = renderPrimaryAutoscaler(buildCanary(), autoscalerRef, source, undefined)
    expect(spec).toEqual({
      ...source.spec,
      scaleTargetRef: { name: 'web-primary' },
      advanced: { horizontalPodAutoscalerConfig: { name: 'web-hpa-primary' } },
      triggers: [
        query('sum(rate(requests{app="web-primary",canary!="web-canary"}[1m])) / webhooks_total'),
        query('the other', 'rps'),
        { type: 'cpu', metadata: { value: '50' } },
      ],
    })
  })
})
