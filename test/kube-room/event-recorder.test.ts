import { expect, test } from 'vitest'
import { type ConfigMap, eventKind, type Namespace } from '../../src/api/index.ts'
import { createEventRecorder, KubeError } from '../../src/kube/index.ts'
import { type Logger, silentLogger } from '../../src/runtime/index.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createMemoryCluster } from '../support/memory-client.ts'

const object: ConfigMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'web', namespace: 'default', uid: 'u1', resourceVersion: '5' },
}
const note = { type: 'Normal', reason: 'Synced', message: 'in step' } as const

function setUp(before?: () => Promise<void> | void, log: Logger = silentLogger) {
  const cluster = createMemoryCluster()
  const clock = createFakeClock()
  const recorder = createEventRecorder({ client: cluster.client(before), component: 'sluice-test', clock, log })
  return { cluster, clock, recorder }
}

test('equal notes are one event that counts, also when they come at once', async () => {
  const { cluster, clock, recorder } = setUp()
  await Promise.all([recorder.record(object, note), recorder.record(object, note)])
  await clock.advance(5_400)
  await recorder.record(object, note)
  expect(cluster.objects(eventKind)).toEqual([
    {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace: 'default', name: expect.stringMatching(/^web\.[0-9a-f]+$/), resourceVersion: '3' },
      involvedObject: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        name: 'web',
        namespace: 'default',
        uid: 'u1',
        resourceVersion: '5',
      },
      type: 'Normal',
      reason: 'Synced',
      message: 'in step',
      source: { component: 'sluice-test' },
      reportingComponent: 'sluice-test',
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:05Z',
      count: 3,
    },
  ])
})

test('other notes are other events; an object without a namespace has them in default; long messages are cut', async () => {
  const { cluster, recorder } = setUp()
  const namespace: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x'.repeat(250) } }
  await recorder.record(object, note)
  await recorder.record(object, { ...note, message: 'out of step' })
  await recorder.record(namespace, { ...note, message: 'y'.repeat(5_000) })
  const events = cluster.objects(eventKind)
  expect(events.map(({ metadata, message }) => [metadata.namespace, message?.slice(0, 11)])).toEqual([
    ['default', 'in step'],
    ['default', 'out of step'],
    ['default', 'yyyyyyyyyyy'],
  ])
  expect(events[2]?.message).toHaveLength(1_024)
  expect(events[2]?.metadata.name.length).toBeLessThanOrEqual(253)
})

test('one object may have 25 at once and then one in five minutes, which hinders no other object', async () => {
  const { cluster, clock, recorder } = setUp()
  const flood = async (count: number) => {
    for (let index = 0; index < count; index += 1)
      await recorder.record(object, { ...note, message: `${clock.now()}/${index}` })
  }
  await flood(40)
  expect(cluster.objects(eventKind)).toHaveLength(25)
  await recorder.record({ ...object, metadata: { ...object.metadata, name: 'other' } }, note)
  expect(cluster.objects(eventKind)).toHaveLength(26)
  await clock.advance(300_000)
  await flood(5)
  expect(cluster.objects(eventKind)).toHaveLength(27)
})

test('an event that is gone begins a new one', async () => {
  let patches = 0
  const cluster = createMemoryCluster()
  const client = cluster.client()
  const recorder = createEventRecorder({
    client: {
      create: client.create,
      patch: () => {
        patches += 1
        throw new KubeError('gone', { code: 404, reason: 'NotFound', retry: 'later' })
      },
    },
    component: 'sluice-test',
    clock: createFakeClock(),
    log: silentLogger,
  })
  await recorder.record(object, note)
  const [event] = cluster.objects(eventKind)
  await client.delete(eventKind, { namespace: 'default', name: event?.metadata.name ?? '' })
  await recorder.record(object, note)
  expect(patches).toBe(1)
  expect(cluster.objects(eventKind).map(({ count }) => count)).toEqual([1])
})

test('a failure is logged, never thrown, and the next note is written again', async () => {
  const warnings: object[] = []
  const log: Logger = { ...silentLogger, warn: (fields) => void warnings.push(fields) }
  let isDown = true
  const { cluster, recorder } = setUp(() => {
    if (isDown) throw new Error('no route to host')
  }, log)
  await recorder.record(object, note)
  expect(warnings).toEqual([{ object: 'ConfigMap default/web', reason: 'Synced', error: 'no route to host' }])
  isDown = false
  await recorder.record(object, note)
  expect(cluster.objects(eventKind)).toHaveLength(1)
})

test('a successor counts on what its predecessor began, and makes sure of what it did not tell', async () => {
  const { cluster, recorder } = setUp()
  const options = { component: 'sluice-test', clock: createFakeClock(), log: silentLogger }
  const successor = createEventRecorder({ client: cluster.client(), ...options })
  const events = () => cluster.objects(eventKind).map(({ message, count }) => [message, count])
  await recorder.record(object, note)
  expect(await successor.ensure(object, note)).toBe('there')
  expect(await successor.ensure(object, { ...note, message: 'untold' })).toBe('written')
  expect(await successor.ensure(object, { ...note, message: 'untold' })).toBe('there')
  expect(events()).toEqual([
    ['in step', 1],
    ['untold', 1],
  ])
  const later = createEventRecorder({ client: cluster.client(), ...options })
  await later.record(object, note)
  expect(events()[0]).toEqual(['in step', 1])
  expect(cluster.writes).toEqual(['create Event', 'create Event', 'create Event', 'create Event', 'patch Event'])
})

test('what could not be looked at says so', async () => {
  const { recorder } = setUp(() => {
    throw new Error('no route to host')
  })
  expect(await recorder.ensure(object, note)).toBe('failed')
  expect(await recorder.record(object, note)).toBe(false)
})
