import { describe, expect, test } from 'vitest'
import {
  canaryKind,
  endpointSliceKind,
  eventKind,
  metricTemplateKind,
  type Service,
  serviceKind,
  virtualServiceKind,
} from '../../src/api/index.ts'
import { createCanary, createReleaseCluster, type ReleaseCluster } from '../support/release-cluster.ts'

const namespace = 'default'
const analysis = { metrics: [{ name: 'mine', templateRef: { name: 'mine' }, thresholdRange: { max: 1 } }] }

/** Ready pods behind each selector. */
const pods: Readonly<Record<string, number>> = { blue: 2, green: 2, red: 1 }

const service = (version: string, spec: Partial<Service['spec']> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace, labels: { team: 'shop' } },
  spec: {
    type: 'LoadBalancer',
    selector: { app: 'web', version },
    ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP', nodePort: 30_080 }],
    clusterIP: '10.0.0.7',
    ...spec,
  },
})

/** What the EndpointSlice controller does, late enough that its slices speak of an older selector for a while. */
function followSelectors(cluster: ReleaseCluster): void {
  cluster.areServicesFollowed = false
  const world = cluster.api.client('world')
  const write = async (name: string): Promise<void> => {
    await cluster.clock.sleep(1_000, new AbortController().signal)
    const current = await world.get(serviceKind, { namespace, name })
    const former = await world.get(endpointSliceKind, { namespace, name })
    if (current === undefined) return
    const version = current.spec.selector?.version ?? ''
    const endpoints = Array.from({ length: pods[version] ?? 0 }, (_, index) => ({
      addresses: [`10.1.0.${index}`],
      conditions: { ready: true },
      targetRef: { kind: 'Pod', name: `${version}-${index}` },
    }))
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace, labels: { ...current.metadata.labels, 'kubernetes.io/service-name': name } },
      addressType: 'IPv4' as const,
      endpoints,
    }
    await (former ? world.replace(endpointSliceKind, slice) : world.create(endpointSliceKind, slice))
  }
  cluster.api.onWrite((plural, object) => {
    if (plural === 'services') void write(object.metadata.name).catch(() => undefined)
  })
}

async function started(
  target: Service | undefined = service('blue'),
  spec: object = {},
  before: (cluster: ReleaseCluster) => Promise<void> = async () => undefined,
) {
  const cluster = createReleaseCluster()
  followSelectors(cluster)
  await cluster.user.create(metricTemplateKind, {
    apiVersion: 'sluice.dev/v1',
    kind: 'MetricTemplate',
    metadata: { name: 'mine', namespace },
    spec: { provider: { type: 'prometheus' }, query: 'up' },
  })
  if (target) await cluster.user.create(serviceKind, target)
  await createCanary(cluster, {
    spec: { targetRef: { apiVersion: 'v1', kind: 'Service', name: 'web' }, ...spec },
    analysis,
  })
  await before(cluster)
  const stop = cluster.startController()
  return { cluster, stop }
}

/** The copies that Flagger makes of it, which go with the Canary. */
async function copyAsFlagger(cluster: ReleaseCluster): Promise<void> {
  const { name, uid = '' } = cluster.canary().metadata
  const owner = { apiVersion: 'sluice.dev/v1', kind: 'Canary', name, uid, controller: true }
  for (const copy of ['web-primary', 'web-canary']) {
    const { metadata, ...rest } = service('blue')
    await cluster.user.create(serviceKind, { ...rest, metadata: { ...metadata, name: copy, ownerReferences: [owner] } })
  }
}

async function initialized(spec: object = {}) {
  const { cluster, stop } = await started(service('blue'), spec)
  await cluster.until('first version', () => phase(cluster) === 'Initialized')
  return { cluster, stop }
}

const phase = (cluster: ReleaseCluster) => cluster.canary().status?.phase
const stalled = (cluster: ReleaseCluster) =>
  cluster.canary().status?.conditions?.find(({ type, status }) => type === 'Stalled' && status === 'True')
const versionOf = (cluster: ReleaseCluster, name: string) => cluster.api.get(serviceKind, name).spec.selector?.version
const select = (cluster: ReleaseCluster, version: string) =>
  cluster.user.patch(
    serviceKind,
    { namespace, name: 'web' },
    { spec: { selector: { app: 'web', version } } },
    { type: 'merge' },
  )
const written = (cluster: ReleaseCluster) =>
  cluster.api.writes
    .filter(({ by, kind }) => by === 'controller' && kind === 'Service')
    .map(({ verb, name }) => `${verb} ${name}`)

describe('a Service', () => {
  test('is taken over with the copies that Flagger made, without a release', async () => {
    const { cluster, stop } = await started(service('blue'), {}, copyAsFlagger)
    await cluster.until('first version', () => phase(cluster) === 'Initialized')
    await cluster.pass(60_000)
    const copies = ['web-primary', 'web-canary'].map((name) => cluster.api.get(serviceKind, name))
    expect(
      copies.map(({ metadata }) => [metadata.ownerReferences, metadata.annotations?.['sluice.dev/canary']]),
    ).toEqual([
      [undefined, 'web'],
      [undefined, 'web'],
    ])
    expect([cluster.runs(), copies.map(({ spec }) => spec.selector?.version)]).toEqual([[], ['blue', 'blue']])
    await select(cluster, 'green')
    await cluster.until('success', () => phase(cluster) === 'Succeeded')
    expect(versionOf(cluster, 'web-primary')).toBe('green')
    await stop()
  })

  test('is copied for both versions, inside the cluster only, and is itself never written', async () => {
    const { cluster, stop } = await initialized()
    const copy = cluster.api.get(serviceKind, 'web-primary')
    expect(copy.spec).toEqual({
      type: 'ClusterIP',
      selector: { app: 'web', version: 'blue' },
      ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }],
    })
    expect(copy.metadata.labels).toEqual({ 'sluice.dev/revision': cluster.canary().status?.lastPromotedSpec })
    expect(cluster.api.get(serviceKind, 'web-canary').spec).toEqual(copy.spec)
    await cluster.pass(60_000)
    expect(written(cluster)).toEqual(['create web-primary', 'create web-canary'])
    expect(cluster.api.get(serviceKind, 'web').spec).toEqual(service('blue').spec)
    await stop()
  })

  test('whose selector changes is released step by step, and promoted', async () => {
    const { cluster, stop } = await initialized()
    await select(cluster, 'green')
    await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
    expect([versionOf(cluster, 'web-primary'), versionOf(cluster, 'web-canary')]).toEqual(['blue', 'green'])
    await cluster.until('success', () => phase(cluster) === 'Succeeded')
    expect(versionOf(cluster, 'web-primary')).toBe('green')
    expect(cluster.weights()).toEqual(['0', '0 mirrored', '20', '40', '0'])
    const [run] = cluster.runs()
    expect(run?.spec.images).toEqual(['app=web,version=green'])
    expect(
      cluster.api.writes.filter(({ by, name, kind }) => by === 'controller' && name === 'web' && kind === 'Service'),
    ).toEqual([])
    await cluster.pass(60_000)
    expect(cluster.runs()).toHaveLength(1)
    await stop()
  })

  test('that is bad goes back, and the next one is released', async () => {
    const { cluster, stop } = await initialized()
    await select(cluster, 'green')
    await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
    cluster.verdict = 'failed'
    await cluster.until('failure', () => phase(cluster) === 'Failed')
    expect([cluster.weights().at(-1), versionOf(cluster, 'web-primary')]).toEqual(['0', 'blue'])
    cluster.verdict = 'passed'
    await select(cluster, 'red')
    await cluster.until('success', () => phase(cluster) === 'Succeeded')
    expect(versionOf(cluster, 'web-primary')).toBe('red')
    await stop()
  })

  test('that leads to no pod gets no request, and is given up in time', async () => {
    const { cluster, stop } = await initialized()
    await select(cluster, 'typo')
    await cluster.until('failure', () => phase(cluster) === 'Failed')
    expect(cluster.runs().at(-1)?.status?.reason).toBe('ProgressDeadlineExceeded')
    expect(cluster.canary().status?.message).toContain('0 endpoints are ready')
    expect(cluster.weights()).toEqual(['0'])
    await stop()
  })

  test('that changes half-way: nobody meets the newer version before the older one has no requests', async () => {
    const { cluster, stop } = await initialized()
    await select(cluster, 'green')
    await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
    const seen: string[] = []
    cluster.api.onWrite((plural, object) => {
      if (plural !== 'services' || object.metadata.name !== 'web-canary') return
      seen.push(`${versionOf(cluster, 'web-canary')} at ${cluster.weights().at(-1)}`)
    })
    await select(cluster, 'red')
    await cluster.until('success', () => phase(cluster) === 'Succeeded')
    expect(seen).toEqual(['red at 0'])
    expect(cluster.runs().map(({ status }) => status?.phase)).toEqual(['Superseded', 'Succeeded'])
    expect(versionOf(cluster, 'web-primary')).toBe('red')
    await stop()
  })

  test('that is exposed otherwise is no release', async () => {
    const { cluster, stop } = await initialized()
    const spec = { type: 'NodePort', ports: [{ ...service('blue').spec.ports?.[0], nodePort: 30_099 }] }
    await cluster.user.patch(serviceKind, { namespace, name: 'web' }, { spec }, { type: 'merge' })
    await cluster.pass(60_000)
    expect([cluster.runs(), phase(cluster)]).toEqual([[], 'Initialized'])
    await stop()
  })

  test.each(['before a release', 'after it', 'half-way'])(
    'serves by itself before a Canary that is deleted goes: %s',
    async (when) => {
      const { cluster, stop } = await initialized()
      if (when !== 'before a release') await select(cluster, 'green')
      if (when === 'half-way') await cluster.until('20 %', () => cluster.weights().at(-1) === '20')
      if (when === 'half-way') await select(cluster, 'red')
      if (when === 'after it') await cluster.until('success', () => phase(cluster) === 'Succeeded')
      await cluster.user.delete(canaryKind, { namespace, name: 'web' })
      await cluster.until('it is gone', () => cluster.api.list(canaryKind).length === 0)
      const owners = (name: string) => cluster.api.get(serviceKind, name).metadata.ownerReferences?.length ?? 0
      expect(['web', 'web-primary', 'web-canary'].map(owners)).toEqual([0, 1, 1])
      expect(versionOf(cluster, 'web-canary')).toBe(versionOf(cluster, 'web'))
      const route = cluster.api.get(virtualServiceKind, 'web')
      expect(route.spec.http?.map(({ route: to }) => to)).toEqual([[{ destination: { host: 'web' } }]])
      await stop()
    },
  )

  test.each([
    ['that selects nothing', service('blue', { selector: {} }), {}, /has no selector/],
    [
      'that leads out of the cluster, where the bundled mesh routes',
      service('blue', { type: 'ExternalName', externalName: 'a.example.com', selector: {} }),
      {},
      /leads out of the cluster/,
    ],
  ])('%s is refused until it is mended', async (_, target, spec, message) => {
    const { cluster, stop } = await started(target, spec)
    await cluster.until('refusal', () => stalled(cluster)?.reason === 'UnsupportedTarget')
    expect(stalled(cluster)?.message).toMatch(message)
    expect(written(cluster)).toEqual([])
    const mended = { type: 'ClusterIP', externalName: null, selector: { app: 'web', version: 'blue' } }
    await cluster.user.patch(serviceKind, { namespace, name: 'web' }, { spec: mended }, { type: 'merge' })
    await cluster.until('first version', () => phase(cluster) === 'Initialized')
    await stop()
  })

  test('that leads out of the cluster is released where Istio routes', async () => {
    const outside = (externalName: string) => service('', { type: 'ExternalName', externalName, selector: {} })
    const { cluster, stop } = await started(outside('old.example.com'), { provider: 'istio' })
    await cluster.until('first version', () => phase(cluster) === 'Initialized')
    await cluster.user.patch(
      serviceKind,
      { namespace, name: 'web' },
      { spec: { externalName: 'new.example.com' } },
      { type: 'merge' },
    )
    await cluster.until('success', () => phase(cluster) === 'Succeeded')
    expect(cluster.api.get(serviceKind, 'web-primary').spec).toMatchObject({
      type: 'ExternalName',
      externalName: 'new.example.com',
    })
    await stop()
  })

  test('that is missing is named as what it is, and taken when it comes', async () => {
    const cluster = createReleaseCluster()
    followSelectors(cluster)
    await createCanary(cluster, {
      spec: { targetRef: { apiVersion: 'v1', kind: 'Service', name: 'web' } },
      analysis: { metrics: [] },
    })
    const stop = cluster.startController()
    await cluster.until('refusal', () => stalled(cluster)?.reason === 'TargetNotFound')
    expect(stalled(cluster)?.message).toBe('Service web does not exist: create it or correct spec.targetRef.name')
    await cluster.user.create(serviceKind, service('blue'))
    await cluster.until('first version', () => phase(cluster) === 'Initialized')
    expect(cluster.api.list(eventKind).length).toBeGreaterThan(0)
    await stop()
  })
})
