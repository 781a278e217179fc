import { setImmediate as turn } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import {
  apiVersionOf,
  type Canary,
  canaryFinalizer,
  canaryKind,
  deploymentKind,
  flaggerCanaryKind,
  maxReleasesAnnotation,
  namespaceKind,
} from '../../src/api/index.ts'
import { startControllers } from '../../src/cli/commands/flagger-compat.ts'
import type { ControllerOptions } from '../../src/controller/index.ts'
import type { KubeClient } from '../../src/kube/index.ts'
import { silentLogger } from '../../src/runtime/index.ts'
import { buildCanary, buildVerdict } from '../support/canary-objects.ts'
import { buildDeployment, createReleaseCluster, type ReleaseCluster } from '../support/release-cluster.ts'

/** Sees every watch that is opened, as `group/plural`. Its writes take so long that others decide meanwhile. */
const slowClient = (client: KubeClient, opened: string[]): KubeClient => ({
  ...client,
  async replace(...given) {
    for (let turns = 0; turns < 5; turns++) await turn()
    return client.replace(...given)
  },
  async patch(...given) {
    for (let turns = 0; turns < 5; turns++) await turn()
    return client.patch(...given)
  },
  watch(kind, options, signal) {
    opened.push(`${kind.group}/${kind.plural}`)
    return client.watch(kind, options, signal)
  },
})

function start(cluster: ReleaseCluster, enabled: boolean, opened: string[] = []) {
  const stop = new AbortController()
  const options: ControllerOptions = {
    client: slowClient(cluster.api.client('controller'), opened),
    analyst: {
      measure: async ({ checks, window }) =>
        checks.map(({ metric }) => ({ ...buildVerdict('passed', window.endMs), metric: metric.name })),
    },
    hooks: { call: async () => ({ ok: true, status: 200, message: '' }) },
    notifier: { send: async () => 'sent', drain: async () => undefined },
    clock: cluster.clock,
    log: silentLogger,
    random: () => 0.5,
    defaults: { metricsServer: 'http://prometheus:9090', provider: 'mesh' },
    registry: new Registry(),
  }
  const running = startControllers(options, { enabled, leaseNamespace: 'default' }, stop.signal)
  return async () => {
    stop.abort()
    await running
  }
}

async function watchesWith(enabled: boolean): Promise<readonly string[]> {
  const cluster = createReleaseCluster()
  const opened: string[] = []
  const stop = start(cluster, enabled, opened)
  await cluster.pass(1_000)
  await stop()
  return opened.toSorted()
}

test('beside the controller, one for the objects of Flagger opens watches of those and of no others', async () => {
  const own = await watchesWith(false)
  expect(own.length).toBeGreaterThan(10)
  expect(new Set(own).size).toBe(own.length)
  const both = await watchesWith(true)
  expect(both).toEqual([...own, 'flagger.app/canaries', 'flagger.app/metrictemplates'].toSorted())
})

test('both count the releases of each other, also of those that begin at once', async () => {
  const cluster = createReleaseCluster()
  const { user, api } = cluster
  const annotations = { [maxReleasesAnnotation]: '1' }
  await user.create(namespaceKind, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default', annotations } })
  // First by name, and written last: the other must count what is only decided.
  for (const name of ['ours', 'flaggers']) await user.create(deploymentKind, buildDeployment(name))
  const { apiVersion, kind, spec } = buildCanary({ spec: { targetRef: { kind: 'Deployment', name: 'ours' } } })
  await user.create(canaryKind, { apiVersion, kind, metadata: { name: 'ours', namespace: 'default' }, spec })
  await user.create(flaggerCanaryKind, {
    apiVersion: apiVersionOf(flaggerCanaryKind),
    kind: 'Canary',
    metadata: { name: 'flaggers', namespace: 'default', finalizers: [canaryFinalizer] },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'flaggers' },
      service: { port: 80 },
      analysis: { interval: '10s', threshold: 2, stepWeight: 40, maxWeight: 40 },
    },
  } as unknown as Canary)
  const phases = () =>
    [...api.list(canaryKind), ...api.list(flaggerCanaryKind)].map(({ status }) => status?.phase ?? '')
  let most = 0
  api.onWrite(() => {
    const atOnce = phases().filter((phase) => ['Progressing', 'Promoting', 'Finalising'].includes(phase)).length
    most = Math.max(most, atOnce)
  })
  const stop = start(cluster, true)
  await cluster.until('first versions', () => phases().every((phase) => phase === 'Initialized'))
  await Promise.all(['ours', 'flaggers'].map((name) => cluster.setImage('web:2', name)))
  await cluster.until('both ended', () => phases().every((phase) => phase === 'Succeeded'))
  expect(most).toBe(1)
  await stop()
})
