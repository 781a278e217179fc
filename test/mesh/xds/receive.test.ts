import { describe, expect, test } from 'vitest'
import { typeUrls } from '../../../src/mesh/envoy/index.ts'
import {
  newStream,
  next,
  type RequestEvent,
  receive,
  type Snapshot,
  type SnapshotResource,
  type StreamState,
} from '../../../src/mesh/xds/index.ts'

const resource = (name: string, version = '1', rest: Partial<SnapshotResource> = {}): SnapshotResource => ({
  name,
  version,
  bytes: new Uint8Array(),
  clusters: [],
  needs: [],
  ...rest,
})

const mapOf = (...resources: SnapshotResource[]) => new Map(resources.map((each) => [each.name, each]))

const snapshotOf = (resources: Partial<Snapshot['resources']>): Snapshot => ({
  version: () => 'all',
  resources: {
    cluster: new Map(),
    endpoints: new Map(),
    listener: new Map(),
    routes: new Map(),
    virtualHost: new Map(),
    secret: new Map(),
    ...resources,
  },
})

type Step =
  | {
      readonly ask: keyof typeof typeUrls | 'unknown'
      readonly names?: readonly string[]
      readonly nonce?: string
      readonly error?: string
    }
  | { readonly set: Snapshot }

/** What the stream answers to each step: `type nonce: names`. */
function run(first: Snapshot, steps: readonly Step[]) {
  let snapshot = first
  let state: StreamState = newStream
  const said: (string | RequestEvent['kind'])[] = []
  for (const step of steps) {
    if ('set' in step) snapshot = step.set
    else {
      const typeUrl = step.ask === 'unknown' ? 'type.googleapis.com/unknown' : typeUrls[step.ask]
      const request = { typeUrl, resourceNames: step.names ?? [], responseNonce: step.nonce ?? '', error: step.error }
      const received = receive(state, request)
      state = received.state
      said.push(received.event.kind)
    }
    for (let planned = next(state, snapshot); planned; planned = next(state, snapshot)) {
      state = planned.state
      said.push(
        `${planned.response.type} ${planned.response.nonce}: ${planned.response.resources.map(({ name, version }) => `${name}@${version}`).join(' ')}`,
      )
    }
  }
  return said
}

const world = snapshotOf({
  cluster: mapOf(resource('a', '1', { needs: ['a'] })),
  endpoints: mapOf(resource('a')),
  listener: mapOf(resource('l', '1', { needs: ['r'] })),
  routes: mapOf(resource('r', '1', { clusters: ['a'] })),
})
const start: readonly Step[] = [
  { ask: 'cluster' },
  { ask: 'cluster', nonce: '1' },
  { ask: 'endpoints', names: ['a'] },
  { ask: 'endpoints', names: ['a'], nonce: '2' },
  { ask: 'listener' },
  { ask: 'listener', nonce: '3' },
  { ask: 'routes', names: ['r'] },
  { ask: 'routes', names: ['r'], nonce: '4' },
]
const started = [
  'subscribed',
  'cluster 1: a@1',
  'accepted',
  'subscribed',
  'endpoints 2: a@1',
  'accepted',
  'subscribed',
  'listener 3: l@1',
  'accepted',
  'subscribed',
  'routes 4: r@1',
  'accepted',
]
const afterStart = (snapshot: Snapshot, steps: readonly Step[]) =>
  run(snapshot, [...start, ...steps]).slice(started.length)
const withRoute = (route: SnapshotResource) => snapshotOf({ ...world.resources, routes: mapOf(route) })

describe('a stream', () => {
  test('starts with clusters, then endpoints, listeners and routes', () => {
    expect(run(world, start)).toEqual(started)
  })

  test('answers repeated questions for endpoints and routes with all that was asked', () => {
    expect(
      afterStart(world, [
        { ask: 'endpoints', names: ['a'], nonce: '2' },
        { ask: 'endpoints', names: ['a'], nonce: '5' },
        { ask: 'routes', names: ['r'], nonce: '4' },
      ]),
    ).toEqual(['subscribed', 'endpoints 5: a@1', 'accepted', 'subscribed', 'routes 6: r@1'])
  })

  test('sends a changed route at once and alone', () => {
    expect(afterStart(world, [{ set: withRoute(resource('r', '2', { clusters: ['a'] })) }])).toEqual(['routes 5: r@2'])
  })

  test('takes an error for a rejection, whatever version it names, and does not send it again', () => {
    const bad = withRoute(resource('r', '2', { clusters: ['a'] }))
    const good = withRoute(resource('r', '3', { clusters: ['a'] }))
    const rejection = { ask: 'routes', names: ['r'], nonce: '5', error: 'no' } as const
    expect(afterStart(world, [{ set: bad }, rejection, { set: bad }, { set: good }])).toEqual([
      'routes 5: r@2',
      'rejected',
      'routes 6: r@3',
    ])
  })

  test('ignores answers to older responses and types that it does not serve', () => {
    expect(afterStart(world, [{ ask: 'routes', names: ['r'], nonce: '1' }, { ask: 'unknown' }])).toEqual([
      'stale',
      'unknown-type',
    ])
  })

  test('holds a route back until its new cluster has its endpoints', () => {
    const more = snapshotOf({
      ...world.resources,
      cluster: mapOf(resource('a', '1', { needs: ['a'] }), resource('b', '1', { needs: ['b'] })),
      endpoints: mapOf(resource('a'), resource('b')),
      routes: mapOf(resource('r', '2', { clusters: ['a', 'b'] })),
    })
    expect(
      afterStart(world, [
        { set: more },
        { ask: 'cluster', nonce: '5' },
        { ask: 'endpoints', names: ['a', 'b'], nonce: '2' },
        { ask: 'endpoints', names: ['a', 'b'], nonce: '6' },
      ]),
    ).toEqual(['cluster 5: a@1 b@1', 'accepted', 'subscribed', 'endpoints 6: b@1', 'accepted', 'routes 7: r@2'])
  })

  test('a client that names its clusters gets a route first, and none when it names none any more', () => {
    const both = snapshotOf({
      ...world.resources,
      cluster: mapOf(resource('a', '1', { needs: ['a'] }), resource('b', '1', { needs: ['b'] })),
      routes: mapOf(resource('r', '2', { clusters: ['b'] })),
    })
    const named = [
      { ask: 'listener', names: ['l'] },
      { ask: 'listener', names: ['l'], nonce: '1' },
      { ask: 'routes', names: ['r'] },
      { ask: 'routes', names: ['r'], nonce: '2' },
      { ask: 'cluster', names: ['a'] },
      { ask: 'cluster', names: ['a'], nonce: '3' },
    ] as const
    expect(
      run(world, [
        ...named,
        { set: both },
        { ask: 'routes', names: ['r'], nonce: '4' },
        { ask: 'cluster', names: ['b'], nonce: '3' },
        { ask: 'cluster', names: ['b'], nonce: '5' },
        { ask: 'cluster', names: [], nonce: '5' },
      ]).slice(9),
    ).toEqual(['routes 4: r@2', 'accepted', 'subscribed', 'cluster 5: b@1', 'accepted', 'subscribed', 'cluster 6: '])
  })

  test('takes a cluster away only when no accepted route leads to it', () => {
    const without = snapshotOf({
      ...world.resources,
      cluster: mapOf(resource('b')),
      endpoints: mapOf(),
      routes: mapOf(resource('r', '2', { clusters: ['b'] })),
    })
    expect(
      afterStart(world, [
        { set: without },
        { ask: 'cluster', nonce: '5' },
        { ask: 'routes', names: ['r'], nonce: '6' },
      ]),
    ).toEqual(['cluster 5: b@1 a@1', 'accepted', 'routes 6: r@2', 'accepted', 'cluster 7: b@1'])
  })

  test('tries what was rejected together one by one, so that one bad route stops no other', () => {
    const two = (bad: string, good: string) =>
      snapshotOf({
        ...world.resources,
        listener: mapOf(resource('l', '1', { needs: ['r', 's'] })),
        routes: mapOf(resource('r', bad, { clusters: ['a'] }), resource('s', good, { clusters: ['a'] })),
      })
    const names = ['r', 's']
    expect(
      run(two('1', '1'), [
        ...start.slice(0, 6),
        { ask: 'routes', names },
        { ask: 'routes', names, nonce: '4', error: 'no' },
        { ask: 'routes', names, nonce: '5', error: 'no' },
        { ask: 'routes', names, nonce: '6' },
      ]).slice(9),
    ).toEqual(['subscribed', 'routes 4: r@1 s@1', 'rejected', 'routes 5: r@1', 'rejected', 'routes 6: s@1', 'accepted'])
  })
})
