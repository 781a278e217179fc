import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Canary,
  canaryRunKind,
  configMapKind,
  type Deployment,
  deploymentKind,
  flaggerCanaryKind,
  type KubernetesObject,
  namespaceKind,
  serviceKind,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { type Child, silentLogger, spawnChild } from '../../src/runtime/index.ts'
import { applyCrds } from '../support/apply-crds.ts'
import { controlPlaneTools } from '../support/control-plane.ts'
import { eventually } from '../support/eventually.ts'
import { flaggerDefinitions } from '../support/flagger-crds.ts'
import { BUILD_TIMEOUT_MS, skipReason } from '../support/kube-binaries.ts'
import { type KubeStage, startKubeStage } from '../support/kube-stage.ts'
import { stagedDeployment } from '../support/staged-app.ts'

const namespace = 'of-flagger'
const ref = { namespace, name: 'web' }
const WITHIN = { within: 180_000, every: 500 }

/** The path of Flagger's own program. */
const binary = process.env.SLUICE_FLAGGER ?? ''
if (binary === '')
  console.warn(
    'SKIPPED what Flagger itself made. To run: SLUICE_FLAGGER=the program (`go build ./cmd/flagger` of its repository)',
  )

const skipped = skipReason('what Flagger itself made', ...controlPlaneTools, 'helm')

describe.skipIf(skipped !== undefined || binary === '')('what Flagger itself made', () => {
  let stage: KubeStage
  let flagger: Child

  beforeAll(async () => {
    stage = await startKubeStage({ flaggerCompat: true })
    await applyCrds(stage.plane, flaggerDefinitions)
    const { plane, prometheus } = stage
    flagger = spawnChild({
      command: binary,
      args: [`-kubeconfig=${plane.kubeconfig}`, `-metrics-server=${prometheus.url}`, '-port=0', '-mesh-provider=istio'],
      env: process.env,
      stdout: 'ignore',
      stderr: 'ignore',
      log: silentLogger,
    })
  }, BUILD_TIMEOUT_MS)

  afterAll(async () => {
    await flagger?.stop({ graceMs: 5_000 })
    await stage?.stop()
  })

  const canary = () => stage.client.get(flaggerCanaryKind, ref)
  const runs = async () => (await stage.client.list(canaryRunKind, { namespace })).items
  const primary = () => stage.client.get(deploymentKind, { namespace, name: 'web-primary' })
  const become = (phase: string) =>
    eventually(async () => expect((await canary())?.status?.phase).toBe(phase), { ...WITHIN, what: phase })

  const setImage = (version: string) => {
    const containers = [{ name: 'web', image: `demo/web:${version}` }]
    const patch = { spec: { template: { spec: { containers } } } }
    return stage.client.patch(deploymentKind, ref, patch, { type: 'strategic' })
  }

  async function serving(): Promise<readonly (KubernetesObject | undefined)[]> {
    const services = ['web', 'web-primary', 'web-canary'].map((name) => ({ namespace, name }))
    return Promise.all([
      primary(),
      ...services.map((service) => stage.client.get(serviceKind, service)),
      stage.client.get(virtualServiceKind, ref),
    ])
  }

  test('is taken over without a release, released from then on, and given back', async () => {
    const { client } = stage
    await client.apply(namespaceKind, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    const settings = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name: 'settings' },
      data: { a: '1' },
    }
    await client.create(configMapKind, settings)
    await client.create(deploymentKind, reading(stagedDeployment(stage, namespace)))
    await client.create(flaggerCanaryKind, canaryOfFlagger)
    await become('Initialized')
    await setImage('1.1.0')
    await become('Succeeded')
    await eventually(async () => expect((await client.get(deploymentKind, ref))?.spec.replicas).toBe(0), WITHIN)
    await flagger.stop({ graceMs: 30_000 })
    const before = await primary()
    const owned = await serving()
    expect(owned.map((object) => object?.metadata.ownerReferences?.length)).toEqual([1, 1, 1, 1, 1])

    await stage.startController()
    await eventually(async () => expect((await canary())?.status?.lastAppliedSpec).toMatch(/^v1-/), WITHIN)
    await become('Initialized')
    await eventually(async () => {
      const objects = await serving()
      expect(objects.map((object) => object?.metadata.ownerReferences)).toEqual(owned.map(() => undefined))
    }, WITHIN)
    expect([(await primary())?.spec, await runs()]).toEqual([before?.spec, []])

    await setImage('1.2.0')
    await become('Succeeded')
    expect((await runs()).map(({ status }) => status?.phase)).toEqual(['Succeeded'])
    expect((await primary())?.spec.template.spec.containers[0]?.image).toBe('demo/web:1.2.0')

    await client.delete(flaggerCanaryKind, ref, { propagationPolicy: 'Foreground' })
    await eventually(async () => expect(await canary()).toBeUndefined(), WITHIN)
    await eventually(async () => expect(await primary()).toBeUndefined(), WITHIN)
    const apex = await client.get(serviceKind, ref)
    expect([(await client.get(deploymentKind, ref))?.spec.replicas, apex?.spec.selector]).toEqual([2, { app: 'web' }])
    expect((await client.get(virtualServiceKind, ref))?.spec.hosts).toContain('shop.example.com')
  }, 600_000)
})

/** Its pods keep apart, and read what Flagger copies. */
function reading(deployment: Deployment): Deployment {
  const { spec } = deployment
  const { template } = spec
  const labelSelector = { matchLabels: { app: 'web' } }
  const preferred = [{ weight: 1, podAffinityTerm: { labelSelector, topologyKey: 'kubernetes.io/hostname' } }]
  const pods = {
    ...template.spec,
    volumes: [{ name: 'settings', configMap: { name: 'settings' } }],
    affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } },
  }
  return { ...deployment, spec: { ...spec, template: { ...template, spec: pods } } }
}

const canaryOfFlagger = {
  apiVersion: 'flagger.app/v1beta1',
  kind: 'Canary',
  metadata: ref,
  spec: {
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    service: { port: 80, targetPort: 8080, hosts: ['shop.example.com'], gateways: ['public', 'mesh'] },
    skipAnalysis: true,
    revertOnDeletion: true,
    analysis: { interval: '10s', threshold: 2, stepWeight: 50, maxWeight: 50 },
  },
} as unknown as Canary
