import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ConfigMap } from '../../src/api/index.ts'
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
  return { store, server, told, steps, settle }
}

test('however events and own writes interleave, the copy and what was told end as the server stands', () => {
  const step = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    sort: fc.constantFrom('own write', 'write', 'delete', 'watch', 'relist'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (taken) => {
      const { store, server, told, steps, settle } = createModel()
      for (const { name, sort } of taken) steps[sort](name)
      settle()
      expect(byName(store.list())).toEqual(byName(server.values()))
      expect(byName(told.values())).toEqual(byName(server.values()))
    }),
  )
})
