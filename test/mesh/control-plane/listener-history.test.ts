import { describe, expect, test } from 'vitest'
import { createListenerHistory } from '../../../src/mesh/control-plane/listener-history.ts'
import { listenerName } from '../../../src/mesh/envoy/index.ts'
import type { MeshProxy, ObjectKey } from '../../../src/mesh/model/index.ts'
import type { Snapshot } from '../../../src/mesh/xds/index.ts'

const bind = { address: '127.0.0.1', port: 8080 }
const name = listenerName('outbound', bind)
const id = 'sidecar~127.64.1.2~web-0.shop~shop.svc.cluster.local'
const route = (of: string): ObjectKey => ({ kind: 'VirtualService', namespace: 'shop', name: of })
const [a, b] = ['VirtualService/shop/a', 'VirtualService/shop/b']
const workload = { workload: 'web', namespace: 'shop', app: 'web', version: '1', serviceAccount: 'default' }
const proxy: MeshProxy = {
  ...{ id, role: 'sidecar', address: '127.64.1.2', inbound: [], routeTables: [] },
  workload: { ...workload, canonicalService: 'web', canonicalRevision: '1' },
  outbound: [{ kind: 'http', bind, routeTable: '8080', origins: [route('a'), route('b')] }],
}
const empty: Snapshot['resources']['listener'] = new Map()
const snapshotOf = (version: string): Snapshot => {
  const listener = new Map([[name, { name, version, bytes: new Uint8Array(), clusters: [], needs: [] }]])
  const resources = { cluster: empty, endpoints: empty, listener, routes: empty, virtualHost: empty, secret: empty }
  return { version: () => version, resources }
}
const [first, second, third] = [snapshotOf('1'), snapshotOf('2'), snapshotOf('3')]
const steps = [
  [first, 1, 1],
  [first, 1, 1],
  [second, 2, 1],
  // Neither says anything of the listener.
  [second, 2, 2],
  [third, 3, 2],
] as const

describe.each([
  ['the very same objects where nothing changed', (of: MeshProxy) => of],
  ['other objects each time', (of: MeshProxy) => ({ ...of })],
])('%s', (_, given) => {
  const record = (taken: number) => {
    const history = createListenerHistory()
    const [suspectsOf] = steps
      .slice(0, taken)
      .map(([snapshot, ofA, ofB]) => {
        const generations = new Map([
          ...([
            [a, ofA],
            [b, ofB],
          ] as const),
        ])
        return history.record({ proxies: [given(proxy)], snapshots: new Map([[id, snapshot]]), generations })
      })
      .toReversed()
    return (accepted?: string) => suspectsOf?.(id, { type: 'listener', name, keys: [a, b] }, accepted)
  }

  test.each([
    ['what has changed since the accepted version is blamed', 3, '1', [a]],
    ['so is what changed without another version', 4, '1', [a, b]],
    ['generations are those that the version was made of first', 4, '2', [b]],
    ['each accepted version has its own', 5, '2', [a, b]],
    ['all are blamed where nothing has changed', 2, '1', [a, b]],
    ['all are blamed where no version was accepted', 5, undefined, [a, b]],
    ['all are blamed where the accepted version is unknown', 5, '0', [a, b]],
  ])('%s', (_of, taken, accepted, expected) => {
    expect(record(taken)(accepted)).toEqual(expected)
  })

  test('what a proxy had is forgotten with it', () => {
    const history = createListenerHistory()
    const generations = new Map([[a, 1]])
    history.record({ proxies: [given(proxy)], snapshots: new Map([[id, first]]), generations })
    history.record({ proxies: [], snapshots: new Map(), generations })
    const suspectsOf = history.record({
      proxies: [given(proxy)],
      snapshots: new Map([[id, second]]),
      generations: new Map([[a, 2]]),
    })
    expect(suspectsOf(id, { type: 'listener', name, keys: [a, b] }, '1')).toEqual([a, b])
  })
})
