import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type ConfigMap,
  type CoreEvent,
  configMapKind,
  deploymentKind,
  eventKind,
  leaseKind,
  type Namespace,
  namespaceKind,
  type ResourceKind,
} from '../../src/api/index.ts'
import {
  createEventRecorder,
  createKubeClient,
  createReflector,
  type KubeClient,
  runLeaderElection,
} from '../../src/kube/index.ts'
import { silentLogger, systemClock, untilAborted } from '../../src/runtime/index.ts'
import { eventually } from '../support/eventually.ts'
import { deploymentOf } from '../support/image-policy.ts'

export interface ApiServerUnderTest {
  readonly kubeconfig: string
  stop(): Promise<void>
}

const namespace = 'kube-client'
const configMap = (name: string, data: Readonly<Record<string, string>> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
})

/** What the client and its parts promise on any API server. */
export function describeKubeClient(start: () => Promise<ApiServerUnderTest>, timeoutMs?: number): void {
  let server: ApiServerUnderTest
  let client: KubeClient

  beforeAll(async () => {
    server = await start()
    client = createKubeClient({ kubeconfig: server.kubeconfig, fieldManager: 'first' })
    const object: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
    await client.create(namespaceKind, object)
  }, timeoutMs)
  afterAll(() => server?.stop())

  describe('objects', () => {
    test('are created, read, replaced and deleted; a stale write is a Conflict', async () => {
      const created = await client.create(configMapKind, configMap('life', { v: '1' }))
      expect(await client.get(configMapKind, created.metadata)).toEqual(created)
      await expect(client.create(configMapKind, configMap('life'))).rejects.toMatchObject({
        code: 409,
        reason: 'AlreadyExists',
      })
      const replaced = await client.replace(configMapKind, { ...created, data: { v: '2' } })
      expect(replaced.data).toEqual({ v: '2' })
      await expect(client.replace(configMapKind, { ...created, data: { v: '3' } })).rejects.toMatchObject({
        code: 409,
        reason: 'Conflict',
        retry: 'later',
      })
      await expect(client.delete(configMapKind, created.metadata, { uid: 'another' })).rejects.toMatchObject({
        code: 409,
      })
      await client.delete(configMapKind, created.metadata, { uid: created.metadata.uid ?? '' })
      expect(await client.get(configMapKind, created.metadata)).toBeUndefined()
      await client.delete(configMapKind, created.metadata)
    })

    test('that are not valid are refused for good, with the field', async () => {
      const broken = configMap('Not_A_Name')
      await expect(client.create(configMapKind, broken)).rejects.toMatchObject({
        code: 422,
        reason: 'Invalid',
        retry: 'never',
        message: expect.stringContaining('metadata.name'),
      })
    })

    test('of a kind that is not served are an error, not absent', async () => {
      const unknown: ResourceKind = { group: 'nobody.dev', version: 'v1', kind: 'No', plural: 'noes', namespaced: true }
      await expect(client.get(unknown, { namespace, name: 'x' })).rejects.toMatchObject({ code: 404 })
      await expect(client.list(unknown)).rejects.toMatchObject({ code: 404, reason: 'NotFound' })
    })
  })

  describe('patches', () => {
    test('of all three sorts', async () => {
      const ref = { namespace, name: 'patched' }
      await client.create(deploymentKind, { ...deploymentOf('a:1', 'b:1'), metadata: ref })
      const images = async () =>
        (await client.get(deploymentKind, ref))?.spec.template.spec.containers.map((each) => each.image)
      const containers = [{ name: 'c1', image: 'b:2' }]
      await client.patch(deploymentKind, ref, { spec: { template: { spec: { containers } } } }, { type: 'strategic' })
      expect(await images()).toEqual(expect.arrayContaining(['a:1', 'b:2']))
      const first = '/spec/template/spec/containers/0/image'
      const [image = ''] = (await images()) ?? []
      const swap = (from: string) => [
        { op: 'test', path: first, value: from },
        { op: 'replace', path: first, value: 'x:9' },
      ]
      await client.patch(deploymentKind, ref, swap(image), { type: 'json' })
      expect(await images()).toContain('x:9')
      await expect(client.patch(deploymentKind, ref, swap(image), { type: 'json' })).rejects.toMatchObject({
        code: 422,
      })
      await client.patch(deploymentKind, ref, { spec: { replicas: 3 } }, { type: 'merge' })
      const status = { status: { observedGeneration: 7 } }
      const patched = await client.patch(deploymentKind, ref, status, { type: 'merge', subresource: 'status' })
      expect([patched.spec.replicas, patched.status?.observedGeneration]).toEqual([3, 7])
      const stale = { metadata: { resourceVersion: '1' }, spec: { replicas: 4 } }
      await expect(client.patch(deploymentKind, ref, stale, { type: 'merge' })).rejects.toMatchObject({
        reason: 'Conflict',
      })
    })

    test('by server-side apply keep to their owner', async () => {
      const second = createKubeClient({ kubeconfig: server.kubeconfig, fieldManager: 'second' })
      await client.apply(configMapKind, configMap('applied', { mine: '1', shared: '1' }))
      await expect(second.apply(configMapKind, configMap('applied', { shared: '2' }))).rejects.toMatchObject({
        code: 409,
        reason: 'Conflict',
        message: expect.stringContaining('first'),
      })
      await second.apply(configMapKind, configMap('applied', { shared: '2' }), { force: true })
      const applied = await client.apply(configMapKind, configMap('applied', {}))
      expect(applied.data).toEqual({ shared: '2' })
    })
  })

  test('a list takes all its pages and says what its items are', async () => {
    const names = Array.from({ length: 510 }, (_, index) => `many-${String(index).padStart(3, '0')}`)
    const labels = { many: 'yes' }
    for (let from = 0; from < names.length; from += 30) {
      const batch = names.slice(from, from + 30)
      await Promise.all(
        batch.map((name) =>
          client.create(configMapKind, { ...configMap(name), metadata: { name, namespace, labels } }),
        ),
      )
    }
    const list = await client.list(configMapKind, { namespace, labelSelector: 'many=yes' })
    expect(list.items.map((each) => each.metadata.name)).toEqual(names)
    expect(list.items[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' })
    const one = await client.list(configMapKind, { namespace, fieldSelector: 'metadata.name=many-007' })
    expect(one.items.map((each) => each.metadata.name)).toEqual(['many-007'])
  })

  test('of a kind whose content is not wanted only metadata come, in lists and watches', async () => {
    const kind = configMapKind
    const only = { namespace, fieldSelector: 'metadata.name=bare', metadataOnly: true }
    const created = await client.create(kind, configMap('bare', { v: '1' }))
    const { items } = await client.list(kind, only)
    expect(items.map(({ metadata, ...rest }) => [metadata.name, rest])).toEqual([
      ['bare', { apiVersion: 'v1', kind: 'ConfigMap' }],
    ])
    const reflector = createReflector({ client, clock: systemClock, log: silentLogger, kind, ...only })
    const told: object[] = []
    reflector.onChange((current) => current && told.push(Object.keys(current).toSorted()))
    const stop = new AbortController()
    const running = reflector.start(stop.signal)
    await reflector.synced
    const replaced = await client.replace(kind, { ...created, data: { v: '2' } })
    const keys = ['apiVersion', 'kind', 'metadata']
    await eventually(() => expect(told).toEqual([keys, keys]))
    expect(reflector.get(created.metadata)?.metadata.resourceVersion).toBe(replaced.metadata.resourceVersion)
    stop.abort()
    await running
    await client.delete(kind, created.metadata)
  })

  test('a reflector follows writes; an own one is there at once', async () => {
    const kind = configMapKind
    const labelSelector = 'followed=yes'
    const common = { client, clock: systemClock, log: silentLogger }
    const reflector = createReflector({ ...common, kind, namespace, labelSelector })
    const told: string[] = []
    reflector.onChange((current, previous) => told.push(`${previous?.data?.v} -> ${current?.data?.v}`))
    const stop = new AbortController()
    const running = reflector.start(stop.signal)
    await reflector.synced
    const object = {
      ...configMap('followed', { v: '1' }),
      metadata: { name: 'followed', namespace, labels: { followed: 'yes' } },
    }
    const created = await client.create(kind, object)
    reflector.overlay(created)
    expect(reflector.get(created.metadata)?.data).toEqual({ v: '1' })
    const replaced = await client.replace(kind, { ...created, data: { v: '2' } })
    await client.delete(kind, replaced.metadata)
    await eventually(() => expect(told).toEqual(['undefined -> 1', '1 -> 2', '2 -> undefined']))
    expect(reflector.list()).toEqual([])
    stop.abort()
    await running
  })

  test('a reflector begins with a stream of everything, of what is selected and of metadata too', async () => {
    const kind = configMapKind
    const labels = { streamed: 'yes' }
    for (const name of ['streamed-1', 'streamed-2']) {
      await client.create(kind, { ...configMap(name, { v: '1' }), metadata: { name, namespace, labels } })
    }
    const list = () => Promise.reject(new Error('a list was asked for'))
    const common = { client: { ...client, list }, clock: systemClock, log: silentLogger, kind, namespace }
    const selected = { ...common, labelSelector: 'streamed=yes' }
    const reflectors = [createReflector(selected), createReflector({ ...selected, metadataOnly: true })]
    const stop = new AbortController()
    const running = reflectors.map((reflector) => reflector.start(stop.signal))
    await Promise.all(reflectors.map(({ synced }) => synced))
    const names = (reflector: (typeof reflectors)[number]) => reflector.list().map(({ metadata }) => metadata.name)
    expect(reflectors.map(names)).toEqual([
      ['streamed-1', 'streamed-2'],
      ['streamed-1', 'streamed-2'],
    ])
    await client.delete(kind, { namespace, name: 'streamed-1' })
    await eventually(() => expect(reflectors.map(names)).toEqual([['streamed-2'], ['streamed-2']]))
    stop.abort()
    await Promise.all(running)
  })

  test('a watch from long ago works or is Expired', async () => {
    const stop = new AbortController()
    const watch = client.watch(configMapKind, { namespace, resourceVersion: '1', timeoutSeconds: 1 }, stop.signal)
    const drain = async () => {
      for await (const event of watch) expect(event.type).not.toBe('ERROR')
      return 'ended'
    }
    expect(await drain().catch((error: unknown) => error)).toSatisfy(
      (result: unknown) =>
        result === 'ended' || (result instanceof Error && 'reason' in result && result.reason === 'Expired'),
    )
  })

  test('two candidates hand the lease over', async () => {
    const led: string[] = []
    const stand = (identity: string, signal: AbortSignal) =>
      runLeaderElection(
        {
          client,
          namespace,
          name: 'leader',
          identity,
          clock: systemClock,
          log: silentLogger,
          timings: { leaseDurationMs: 5_000, renewDeadlineMs: 3_000, retryPeriodMs: 100 },
          async lead(leading) {
            led.push(identity)
            await untilAborted(leading)
          },
        },
        signal,
      )
    const [first, second] = [new AbortController(), new AbortController()]
    const one = stand('one', first.signal)
    await eventually(() => led.length === 1)
    const two = stand('two', second.signal)
    first.abort()
    expect(await one).toBe('stopped')
    await eventually(() => expect(led).toEqual(['one', 'two']))
    second.abort()
    expect(await two).toBe('stopped')
    const lease = await client.get(leaseKind, { namespace, name: 'leader' })
    expect(lease?.spec).toMatchObject({ holderIdentity: '', leaseTransitions: expect.any(Number) })
  })

  test('events are accepted and counted', async () => {
    const recorder = createEventRecorder({ client, component: 'sluice-test', clock: systemClock, log: silentLogger })
    const object = await client.create(configMapKind, configMap('noted'))
    const note = { type: 'Warning', reason: 'Noted', message: 'something happened' } as const
    await recorder.record(object, note)
    await recorder.record(object, note)
    const { items } = await client.list(eventKind, { namespace, fieldSelector: 'involvedObject.name=noted' })
    expect(items.map(({ type, reason, count }: CoreEvent) => ({ type, reason, count }))).toEqual([
      { type: 'Warning', reason: 'Noted', count: 2 },
    ])
  })
}
