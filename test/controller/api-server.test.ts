import { readdir, readFile } from 'node:fs/promises'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import {
  type CustomResourceDefinition,
  canaryKind,
  canaryRunKind,
  type Deployment,
  deploymentKind,
  eventKind,
  namespaceKind,
  type ResourceKind,
  serviceKind,
  type VirtualService,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { startController } from '../../src/controller/index.ts'
import { createKubeClient, type KubeClient } from '../../src/kube/index.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'
import { type RunningApiServer, startApiServer } from '../local/api-server/running-api-server.ts'
import { applyCrds } from '../support/apply-crds.ts'
import { buildCanary, buildVerdict } from '../support/canary-objects.ts'
import { eventually } from '../support/eventually.ts'
import { buildDeployment } from '../support/release-cluster.ts'
import { followServices, runWorkloads } from '../support/run-workloads.ts'

const namespace = 'releases'
const ref = { namespace, name: 'web' }

async function readCrds(): Promise<readonly CustomResourceDefinition[]> {
  const folders = ['crds', 'crds/istio']
  const lists = await Promise.all(
    folders.map(async (folder) => {
      const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml'))
      return Promise.all(files.map(async (name) => parse(await readFile(`${folder}/${name}`, 'utf8'))))
    }),
  )
  return lists.flat()
}

/** What the workload controllers and the mesh would write. */
async function answerWorld(client: KubeClient): Promise<void> {
  const { items: deployments } = await client.list(deploymentKind, { namespace })
  for (const deployment of deployments) await rollOut(client, deployment)
  await runWorkloads(client, namespace)
  await followServices(client, namespace)
  const { items: routes } = await client.list(virtualServiceKind, { namespace })
  for (const route of routes) await acknowledge(client, route)
}

async function rollOut(client: KubeClient, deployment: Deployment): Promise<void> {
  const { replicas = 1 } = deployment.spec
  const { generation = 1 } = deployment.metadata
  if (deployment.status?.observedGeneration === generation) return
  const ready = { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas }
  await client.replace(
    deploymentKind,
    { ...deployment, status: { observedGeneration: generation, ...ready } },
    'status',
  )
}

async function acknowledge(client: KubeClient, route: VirtualService): Promise<void> {
  const { generation = 1 } = route.metadata
  if (route.status?.conditions?.[0]?.observedGeneration === generation) return
  const lastTransitionTime = new Date().toISOString()
  const condition = {
    type: 'Programmed',
    status: 'True',
    reason: 'Programmed',
    message: 'done',
    lastTransitionTime,
  } as const
  const status = { conditions: [{ ...condition, observedGeneration: generation }] }
  await client.replace(virtualServiceKind, { ...route, status }, 'status')
}

describe('against an API server that validates, defaults and prunes', () => {
  let server: RunningApiServer
  let client: KubeClient
  const stop = new AbortController()
  let running: Promise<void>
  let state: 'passed' | 'failed' = 'passed'

  beforeAll(async () => {
    server = await startApiServer()
    await applyCrds(server, await readCrds())
    client = createKubeClient({ kubeconfig: server.api.kubeconfigPath, fieldManager: 'test' })
    await client.create(namespaceKind, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    running = startController(
      {
        client: createKubeClient({ kubeconfig: server.api.kubeconfigPath, fieldManager: 'sluice' }),
        analyst: {
          measure: async ({ checks, window }) => checks.map(() => buildVerdict(state, window.endMs)),
        },
        hooks: { call: async () => ({ ok: true, message: '' }) },
        notifier: { send: async () => 'sent', drain: async () => undefined },
        clock: systemClock,
        log: silentLogger,
        random: Math.random,
        defaults: { metricsServer: 'http://127.0.0.1:9', provider: 'mesh' },
        registry: new Registry(),
      },
      stop.signal,
    )
  })

  afterAll(async () => {
    stop.abort()
    await running
    await server.stop()
  })

  const untilPhase = (phase: string) =>
    eventually(
      async () => {
        await answerWorld(client)
        const canary = await client.get(canaryKind, ref)
        expect(canary?.status?.phase).toBe(phase)
        return canary
      },
      { within: 20_000, every: 20 },
    )

  const setImage = (image: string) =>
    client.patch(
      deploymentKind,
      ref,
      { spec: { template: { spec: { containers: [{ name: 'web', image }] } } } },
      { type: 'strategic' },
    )

  test('first deploy, a good release and a bad one; then nothing moves any more', async () => {
    const deployment = buildDeployment('web', 'web:1', 2)
    await client.create(deploymentKind, { ...deployment, metadata: { name: 'web', namespace } })
    await createCanary()
    await untilPhase('Initialized')

    await setImage('web:2')
    await untilPhase('Succeeded')
    const primary = await client.get(deploymentKind, { namespace, name: 'web-primary' })
    expect(primary?.spec.template.spec.containers[0]?.image).toBe('web:2')

    state = 'failed'
    await setImage('web:3')
    const failed = await untilPhase('Failed')
    expect(failed?.status?.message).toBe('request-success-rate 92.5 (failed check 2 of 2)')
    const { items: runs } = await client.list(canaryRunKind, { namespace })
    expect(runs.map(({ metadata, status }) => [metadata.name, status?.phase])).toEqual([
      ['web-1', 'Succeeded'],
      ['web-2', 'Failed'],
    ])
    expect(runs[1]?.status?.progress?.failedChecks).toBe(2)

    await answerWorld(client)
    const watched: readonly ResourceKind[] = [canaryKind, canaryRunKind, deploymentKind, virtualServiceKind, eventKind]
    const versions = async () => {
      const lists = await Promise.all(watched.map((each) => client.list(each, { namespace })))
      return lists.flatMap(({ items }) => items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]))
    }
    await eventually(async () => {
      const before = await versions()
      await systemClock.sleep(500)
      expect(await versions()).toEqual(before)
    })
  })

  const left = async () => {
    const kinds: readonly ResourceKind[] = [canaryKind, canaryRunKind, deploymentKind, serviceKind, virtualServiceKind]
    const lists = await Promise.all(kinds.map((each) => client.list(each, { namespace })))
    return lists.flatMap(({ items }) => items.map((item) => `${item.kind} ${item.metadata.name}`))
  }

  const createCanary = () => {
    const { apiVersion, kind, spec } = buildCanary({ analysis: { interval: '1s', stepWeight: 50, maxWeight: 50 } })
    return client.create(canaryKind, { apiVersion, kind, metadata: { name: 'web', namespace }, spec })
  }

  test('a deleted Canary gives the workload back, and what it made is collected but for the Service', async () => {
    await client.delete(canaryKind, ref)
    await eventually(
      async () => {
        await answerWorld(client)
        expect(await left()).toEqual(['Deployment web', 'Service web'])
      },
      { within: 20_000, every: 20 },
    )
    const deployment = await client.get(deploymentKind, ref)
    expect([deployment?.spec.replicas, deployment?.status?.readyReplicas]).toEqual([2, 2])
    const service = await client.get(serviceKind, ref)
    expect([service?.spec.selector, service?.metadata.ownerReferences]).toEqual([{ app: 'web' }, undefined])
  })

  test('a namespace goes with everything in it, taken over or not', async () => {
    await createCanary()
    await untilPhase('Initialized')
    await client.delete(namespaceKind, { name: namespace })
    await eventually(async () => expect(await client.get(namespaceKind, { name: namespace })).toBeUndefined(), {
      within: 20_000,
      every: 20,
    })
    expect(await left()).toEqual([])
  })
})
