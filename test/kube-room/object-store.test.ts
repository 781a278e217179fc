import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ConfigMap, Deployment } from '../../src/api/index.ts'
import { type Change, createObjectStore } from '../../src/kube/object-store.ts'
import { isNewer } from '../../src/kube/resource-version.ts'

const object = (name: string, version: number): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: `${version}` },
})

test.each([
  ['2', '10', false],
  ['10', '9', true],
  ['10', '10', false],
  ['123456789012345678901', '123456789012345678900', true],
  ['abc', '1', false],
  ['1', 'abc', false],
  [undefined, '1', false],
  ['1', undefined, true],
])('%s is newer than %s: %s', (left, right, expected) => expect(isNewer(left, right)).toBe(expected))

test('a bookmark or a deletion ends an overlay, and a late answer does not bring a deleted object back', () => {
  const store = createObjectStore<ConfigMap>()
  store.replaceAll([object('a', 5)], '5')
  store.overlay(object('a', 7))
  store.advance('8')
  expect(store.list()).toEqual([object('a', 5)])
  store.remove(object('a', 9))
  store.overlay(object('a', 8))
  expect(store.list()).toEqual([])
})

const byName = (objects: Iterable<ConfigMap>) =>
  [...objects].sort((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1))

/** A server and a store that hears of its changes later; every step may be taken at any time. */
function createModel() {
  const store = createObjectStore<ConfigMap>()
  const find = store.indexBy(parityOf)
  const server = new Map<string, ConfigMap>()
  const told = new Map<string, ConfigMap>()
  const stream: (() => Change<ConfigMap>)[] = []
  let version = 0

  const tell = ({ current, previous }: Change<ConfigMap>): void => {
    const name = (current ?? previous)?.metadata.name ?? ''
    expect(previous).toEqual(told.get(name))
    if (current === undefined) told.delete(name)
    else told.set(name, current)
  }
  const write = (name: string): ConfigMap => {
    version += 1
    const written = object(name, version)
    server.set(name, written)
    stream.push(() => store.set(written))
    return written
  }
  const steps = {
    write,
    'own write'(name: string) {
      const written = write(name)
      store.overlay(written)
      expect(store.get(written.metadata)).toEqual(written)
    },
    delete(name: string) {
      if (!server.delete(name)) return
      version += 1
      const gone = object(name, version)
      stream.push(() => store.remove(gone))
    },
    watch() {
      const event = stream.shift()
      if (event !== undefined) tell(event())
    },
    relist() {
      stream.length = 0
      store.replaceAll([...server.values()], `${version}`).forEach(tell)
    },
  }
  const settle = (): void => {
    while (stream.length > 0) steps.watch()
  }
  /** Looking through all of them finds the same. */
  const expectFound = () => {
    for (const parity of ['even', 'odd']) {
      expect(byName(find(parity))).toEqual(byName(store.list().filter((each) => parityOf(each).includes(parity))))
    }
  }
  return { store, server, told, steps, settle, expectFound }
}

/** What it is found by changes with each change. */
const parityOf = ({ metadata }: ConfigMap) => [Number(metadata.resourceVersion) % 2 === 0 ? 'even' : 'odd']

test('however events and own writes interleave, the copy and what was told end as the server stands', () => {
  const step = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    sort: fc.constantFrom('own write', 'write', 'delete', 'watch', 'relist'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (taken) => {
      const { store, server, told, steps, settle, expectFound } = createModel()
      for (const { name, sort } of taken) {
        steps[sort](name)
        expectFound()
      }
      settle()
      expect(byName(store.list())).toEqual(byName(server.values()))
      expect(byName(told.values())).toEqual(byName(server.values()))
    }),
  )
})

test('an object that changed in its status alone keeps its spec, and what was computed of it', () => {
  const store = createObjectStore<Deployment>()
  const deployment = (resourceVersion: string, image: string): Deployment => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default', uid: 'one', resourceVersion },
    spec: { selector: {}, template: { spec: { containers: [{ name: 'web', image }] } } },
    status: { replicas: Number(resourceVersion) },
  })
  const [first, scaled, written, changed] = [
    deployment('1', 'web:1'),
    deployment('2', 'web:1'),
    deployment('3', 'web:1'),
    deployment('4', 'web:2'),
  ] as const
  store.set(first)
  store.set(scaled)
  expect(store.get(scaled.metadata)).toEqual(scaled)
  expect(store.get(scaled.metadata)?.spec).toBe(first.spec)
  store.overlay(written)
  expect(store.get(written.metadata)).toEqual(written)
  expect(store.get(written.metadata)?.spec).toBe(first.spec)
  store.set(changed)
  expect(store.get(changed.metadata)).toEqual(changed)
})
