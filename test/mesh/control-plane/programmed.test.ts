import { describe, expect, test } from 'vitest'
import { findLaggard, judgeProgrammed, type ProgrammedInput } from '../../../src/mesh/control-plane/programmed.ts'
import type { ConnectedProxy, Snapshot, SnapshotResource } from '../../../src/mesh/xds/index.ts'

const resource = (name: string, version = '2'): SnapshotResource => ({
  name,
  version,
  bytes: new Uint8Array(),
  clusters: [],
  needs: [],
})
const mapOf = (name: string) => new Map([[name, resource(name)]])
const snapshot: Snapshot = {
  version: () => 'all',
  resources: {
    cluster: mapOf('web'),
    endpoints: mapOf('web'),
    listener: new Map(),
    routes: mapOf('table'),
    virtualHost: new Map(),
    secret: new Map(),
  },
}
const node = (name: string) => `sidecar~127.20.1.1~${name}.shop~shop.svc.cluster.local`
const proxy = (versions: Partial<Record<string, string>>, rejected?: string): ConnectedProxy => ({
  nodeId: '',
  agent: '-',
  isSubscribed: () => true,
  accepted: (type) => versions[type],
  rejection: (type) => (type === 'routes' ? rejected : undefined),
  hasRejections: () => rejected !== undefined,
})
const all = { cluster: '2', endpoints: '2', routes: '2' }
const judge = (proxies: Readonly<Record<string, ConnectedProxy | undefined>>, rest: Partial<ProgrammedInput> = {}) =>
  judgeProgrammed({
    findings: [],
    rejections: {},
    needs: Object.keys(proxies).map((name) => ({
      nodeId: node(name),
      tables: ['table'],
      hosts: [],
      listeners: [],
      clusters: ['web'],
      isOnDemand: false,
    })),
    snapshots: new Map(Object.keys(proxies).map((name) => [node(name), snapshot])),
    connected: new Map(Object.entries(proxies).flatMap(([name, each]) => (each ? [[node(name), each] as const] : []))),
    elsewhere: () => undefined,
    isExpected: () => false,
    isOverdue: false,
    ...rest,
  })
const decided = (isProgrammed: boolean, reason: string, message: string) => ({
  kind: 'decided',
  isProgrammed,
  reason,
  message,
})
const invalid = {
  object: { kind: 'VirtualService', namespace: 'shop', name: 'web' },
  reason: 'Invalid',
  message: 'bad',
} as const

describe('a VirtualService is', () => {
  const rows: readonly (readonly [string, ReturnType<typeof judge>, object])[] = [
    ['programmed when nobody needs it', judge({}), decided(true, 'Programmed', 'no connected proxy needs the route')],
    [
      'programmed when all have accepted all of it',
      judge({ a: proxy(all), b: proxy(all) }),
      decided(true, 'Programmed', '2 proxies have the route'),
    ],
    [
      'pending while a table is not accepted',
      judge({ a: proxy(all), b: proxy({ ...all, routes: '1' }) }),
      { kind: 'pending', waitingFor: ['b.shop'] },
    ],
    [
      'pending while a cluster is not accepted',
      judge({ a: proxy({ ...all, cluster: '1' }) }),
      { kind: 'pending', waitingFor: ['a.shop'] },
    ],
    [
      'pending while endpoints are not delivered',
      judge({ a: proxy({ ...all, endpoints: '1' }) }),
      { kind: 'pending', waitingFor: ['a.shop'] },
    ],
    [
      'lagging when they had their time',
      judge({ a: proxy({}) }, { isOverdue: true }),
      decided(false, 'ProxiesLagging', 'not accepted yet by a.shop'),
    ],
    [
      'not held up by proxies that are away',
      judge({ a: proxy(all), b: undefined }),
      decided(true, 'Programmed', '1 proxy has the route; away: b.shop'),
    ],
    [
      'held up by those that may come back',
      judge({ a: proxy(all), b: undefined }, { isExpected: () => true }),
      { kind: 'pending', waitingFor: ['b.shop'] },
    ],
    [
      'not held up by a gRPC library that calls others',
      judge(
        { a: { ...proxy({}), isSubscribed: () => false } },
        {
          needs: [
            { nodeId: node('a'), tables: ['table'], hosts: [], listeners: [], clusters: ['web'], isOnDemand: true },
          ],
        },
      ),
      decided(true, 'Programmed', 'no connected proxy needs the route'),
    ],
    [
      'programmed when those of other replicas have it too',
      judge({ a: proxy(all), b: undefined }, { elsewhere: () => ({ kind: 'has-it' }) }),
      decided(true, 'Programmed', '2 proxies have the route'),
    ],
    [
      'pending while one of another replica has not',
      judge({ a: proxy(all), b: undefined }, { elsewhere: () => ({ kind: 'waiting' }) }),
      { kind: 'pending', waitingFor: ['b.shop'] },
    ],
    [
      'rejected when one proxy rejects it',
      judge({ a: proxy(all), b: proxy({}, 'no such thing') }),
      decided(false, 'Rejected', 'proxies keep their last good configuration; b.shop: no such thing'),
    ],
    [
      'rejected when one proxy rejects something else that the object makes',
      judge({ a: proxy(all) }, { rejections: { 'b.shop': 'no such file' } }),
      decided(false, 'Rejected', 'proxies keep their last good configuration; b.shop: no such file'),
    ],
    [
      'invalid whatever the proxies have',
      judge({ a: proxy(all) }, { findings: [{ ...invalid, reason: 'Conflict' }, invalid] }),
      decided(false, 'Invalid', 'bad'),
    ],
  ]
  test.each(rows)('%s', (_, verdict, expected) => {
    expect(verdict).toEqual(expected)
  })

  test('told of five proxies at most', () => {
    const many = Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`p${index}`, proxy({})]))
    expect(judge(many, { isOverdue: true })).toMatchObject({
      message: 'not accepted yet by p0.shop, p1.shop, p2.shop, p3.shop, p4.shop and 2 more',
    })
  })
})

describe('one that is waited for', () => {
  const needOf = (name: string) => ({
    ...{ nodeId: node(name), tables: ['table'], hosts: [], listeners: [], clusters: ['web'], isOnDemand: false },
  })
  const find = (proxies: Readonly<Record<string, ConnectedProxy>>) =>
    findLaggard(Object.keys(proxies).map(needOf), {
      snapshots: new Map(Object.keys(proxies).map((name) => [node(name), snapshot])),
      connected: new Map(Object.entries(proxies).map(([name, each]) => [node(name), each])),
      elsewhere: () => undefined,
      isExpected: () => false,
    })?.nodeId
  test.each([
    [
      'is the last that has not accepted',
      { a: proxy({}), b: proxy({ ...all, routes: '1' }), c: proxy(all) },
      node('b'),
    ],
    ['is nobody once all have accepted', { a: proxy(all), b: proxy(all) }, undefined],
    ['is nobody who rejects', { a: proxy(all), b: proxy({}, 'no') }, undefined],
  ])('%s', (_, proxies, expected) => expect(find(proxies)).toBe(expected))
})
