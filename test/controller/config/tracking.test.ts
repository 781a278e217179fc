import { describe, expect, test } from 'vitest'
import {
  type ConfigMap,
  configMapKind,
  type Deployment,
  deploymentKind,
  eventKind,
  type Secret,
  secretKind,
} from '../../../src/api/index.ts'
import {
  buildDeployment,
  createCanary,
  createReleaseCluster,
  type ReleaseCluster,
} from '../../support/release-cluster.ts'

const namespace = 'default'
const TOKEN = Buffer.from('correct-horse').toString('base64')
const NEWER_TOKEN = Buffer.from('battery-staple').toString('base64')

const settings = (rest: Partial<ConfigMap> = {}, metadata: Partial<ConfigMap['metadata']> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', namespace, labels: { 'app.kubernetes.io/instance': 'shop' }, ...metadata },
  data: { color: 'blue' },
  ...rest,
})

const token = (data: Secret['data'] = { token: TOKEN }, type = 'Opaque'): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'token', namespace },
  type,
  data,
})

/** Reads the ConfigMap as a volume and the Secret as a variable. */
function readingDeployment(name = 'web'): Deployment {
  const { spec, ...rest } = buildDeployment(name)
  const [container] = spec.template.spec.containers
  const variable = { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'token', key: 'token' } } }
  const template = {
    ...spec.template,
    spec: {
      containers: [{ name: 'web', image: 'web:1', ...container, env: [variable] }],
      volumes: [{ name: 'settings', configMap: { name: 'settings' } }],
    },
  }
  return { ...rest, spec: { ...spec, template } }
}

async function started(...configs: readonly (ConfigMap | Secret)[]) {
  const cluster = createReleaseCluster()
  await cluster.user.create(deploymentKind, readingDeployment())
  for (const config of configs) {
    if (config.kind === 'Secret') await cluster.user.create(secretKind, config)
    else await cluster.user.create(configMapKind, config)
  }
  await createCanary(cluster)
  const stop = cluster.startController()
  await cluster.until('first version', () => cluster.canary().status?.phase === 'Initialized')
  return { cluster, stop }
}

const changeSettings = (cluster: ReleaseCluster, patch: object) =>
  cluster.user.patch(configMapKind, { namespace, name: 'settings' }, patch, { type: 'merge' })

const names = (cluster: ReleaseCluster, name = 'web-primary') => {
  const { volumes, containers } = cluster.deployment(name).spec.template.spec
  return {
    settings: volumes?.[0]?.configMap?.name ?? '',
    token: containers[0]?.env?.[0]?.valueFrom?.secretKeyRef?.name ?? '',
  }
}

const ended = (cluster: ReleaseCluster, phase: string, runs: number) => () =>
  cluster.canary().status?.phase === phase && cluster.runs().length === runs

const copyName = expect.stringMatching(/^settings-primary-[0-9a-f]{10}$/)

describe('what a workload reads', () => {
  test('is copied for the primary, whole, immutable, and without the labels of others', async () => {
    const binaryData = { icon: 'iVBORw0KGgo=' }
    const { cluster, stop } = await started(
      settings({ binaryData, immutable: true }),
      token(undefined, 'kubernetes.io/tls'),
    )
    const { settings: settingsName, token: tokenName } = names(cluster)
    const { metadata, ...content } = cluster.api.get(configMapKind, settingsName)
    expect(content).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      data: { color: 'blue' },
      binaryData,
      immutable: true,
    })
    expect([metadata.name, metadata.labels, metadata.ownerReferences]).toEqual([copyName, undefined, undefined])
    expect(metadata.annotations).toMatchObject({ 'sluice.dev/canary': 'web' })
    expect(cluster.api.get(secretKind, tokenName)).toMatchObject({
      type: 'kubernetes.io/tls',
      data: { token: TOKEN },
      immutable: true,
    })
    // The workload itself is the user's.
    expect(names(cluster, 'web')).toEqual({ settings: 'settings', token: 'token' })
    await stop()
  })

  test('is read as it is where it is a token of Kubernetes: a copy of it would be worth nothing', async () => {
    const { cluster, stop } = await started(settings(), token(undefined, 'kubernetes.io/service-account-token'))
    expect(names(cluster)).toEqual({ settings: copyName, token: 'token' })
    expect(cluster.api.list(secretKind).map(({ metadata }) => metadata.name)).toEqual(['token'])
    await stop()
  })

  test.each<[string, (cluster: ReleaseCluster) => Promise<unknown>]>([
    ['data', (cluster) => changeSettings(cluster, { data: { color: 'red' } })],
    ['binary data', (cluster) => changeSettings(cluster, { binaryData: { icon: 'AAAA' } })],
    [
      'a Secret',
      (cluster) =>
        cluster.user.patch(
          secretKind,
          { namespace, name: 'token' },
          { data: { token: NEWER_TOKEN } },
          { type: 'merge' },
        ),
    ],
  ])('is released when %s changes, and the primary keeps the old until then', async (_, change) => {
    const { cluster, stop } = await started(settings(), token())
    const before = names(cluster)
    await change(cluster)
    await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
    expect(names(cluster)).toEqual(before)
    expect(cluster.api.get(configMapKind, before.settings).data).toEqual({ color: 'blue' })
    await cluster.until('success', ended(cluster, 'Succeeded', 1))
    expect(names(cluster)).not.toEqual(before)
    await cluster.until('former copies are gone', () => cluster.api.list(configMapKind).length === 2)
    expect(cluster.api.list(secretKind)).toHaveLength(2)
    await stop()
  })

  test('goes back with a bad release, and nothing of it is left on the primary', async () => {
    const { cluster, stop } = await started(settings(), token())
    const before = names(cluster)
    const primary = cluster.deployment('web-primary').metadata.resourceVersion
    cluster.verdict = 'failed'
    await changeSettings(cluster, { data: { color: 'red' } })
    await cluster.until('failure', ended(cluster, 'Failed', 1))
    expect(names(cluster)).toEqual(before)
    expect(cluster.deployment('web-primary').metadata.resourceVersion).toBe(primary)
    await changeSettings(cluster, { data: { color: 'blue' } })
    await cluster.until('stable again', ended(cluster, 'Initialized', 1))
    await stop()
  })

  test.each([
    ['sluice.dev/config-tracking', 'annotations'],
    ['flagger.app/config-tracking', 'annotations'],
    ['sluice.dev/config-tracking', 'labels'],
  ])('is left alone with %s: disabled in its %s', async (key, where) => {
    const { cluster, stop } = await started(settings({}, { [where]: { [key]: 'disabled' } }), token())
    expect(names(cluster)).toEqual({ settings: 'settings', token: expect.stringMatching(/^token-primary-/) })
    await changeSettings(cluster, { data: { color: 'red' } })
    await cluster.pass(10_000)
    expect([cluster.runs(), cluster.canary().status?.phase]).toEqual([[], 'Initialized'])
    await stop()
  })

  test('may be absent: its appearance is a release', async () => {
    const { cluster, stop } = await started(token())
    expect(names(cluster).settings).toBe('settings-primary-absent')
    await cluster.user.create(configMapKind, settings())
    await cluster.until('success', ended(cluster, 'Succeeded', 1))
    expect(names(cluster).settings).toEqual(copyName)
    await stop()
  })

  test('that two workloads share moves for each with its own release', async () => {
    const { cluster, stop } = await started(settings(), token())
    await cluster.user.create(deploymentKind, readingDeployment('api'))
    await createCanary(cluster, {
      name: 'api',
      spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'api' } },
    })
    await cluster.until('the other', () => cluster.canary('api').status?.phase === 'Initialized')
    expect(names(cluster, 'api-primary').settings).not.toBe(names(cluster).settings)
    const former = names(cluster)
    cluster.isMeshUp = false
    await changeSettings(cluster, { data: { color: 'red' } })
    await cluster.until('both are released', () => cluster.runs().length === 2)
    expect(names(cluster)).toEqual(former)
    await stop()
  })

  test('is in no status, event, notice or run', async () => {
    const { cluster, stop } = await started(settings(), token())
    await cluster.user.patch(
      secretKind,
      { namespace, name: 'token' },
      { data: { token: NEWER_TOKEN } },
      { type: 'merge' },
    )
    await cluster.until('success', ended(cluster, 'Succeeded', 1))
    const said = JSON.stringify([cluster.canary(), cluster.runs(), cluster.api.list(eventKind), cluster.sent])
    for (const secret of [TOKEN, NEWER_TOKEN, 'correct-horse', 'battery-staple']) expect(said).not.toContain(secret)
    await stop()
  })

  test('costs nothing while it is as it was, whatever else of it is written', async () => {
    const { cluster, stop } = await started(settings(), token())
    await cluster.pass(2_000)
    const before = cluster.api.writes.length
    await changeSettings(cluster, { metadata: { labels: { touched: 'yes' } } })
    await cluster.pass(60_000)
    expect(cluster.api.writes.slice(before).filter(({ by }) => by === 'controller')).toEqual([])
    await stop()
  })
})
