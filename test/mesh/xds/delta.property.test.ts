import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type DeltaResponse,
  newDeltaStream,
  nextDelta,
  receiveDelta,
  type Snapshot,
} from '../../../src/mesh/xds/index.ts'
import { createDeltaProxy, type DeltaProxy } from '../../support/delta-proxy.ts'
import { anyXdsWorld, snapshotOf, toResources, versionsOf, type XdsWorld } from '../../support/xds-world.ts'

interface Play {
  readonly worlds: readonly XdsWorld[]
  /** Who moves next: the server takes a request, the proxy takes a response, the world changes, the stream breaks. */
  readonly moves: readonly number[]
  readonly rejects?: (response: DeltaResponse) => boolean
}

/** What the proxy has after it took a response that was planned in one of the worlds. */
type Check = (proxy: DeltaProxy, response: DeltaResponse, world: number) => void

/** Plays server and proxy against each other in the given order, then until nothing is on its way. */
function play({ worlds, moves, rejects = () => false }: Play, check: Check = () => undefined) {
  const proxy = createDeltaProxy(rejects)
  const snapshots = worlds.map((world) => snapshotOf(world, { oneByOne: true }))
  const nothing = snapshotOf({ clusters: {}, routes: {} })
  const sent: DeltaResponse[] = []
  let inbox: (readonly [DeltaResponse, number])[] = []
  let state = newDeltaStream
  let position = 0
  const snapshot = (): Snapshot => snapshots[position] ?? nothing
  const flush = () => {
    for (let planned = nextDelta(state, snapshot()); planned; planned = nextDelta(state, snapshot())) {
      state = planned.state
      sent.push(planned.response)
      inbox.push([planned.response, position])
    }
  }
  const serverTakes = () => {
    const request = proxy.outbox.shift()
    if (request === undefined) return
    state = receiveDelta(state, request).state
    flush()
  }
  const proxyTakes = () => {
    const taken = inbox.shift()
    if (taken === undefined) return
    proxy.receive(taken[0])
    check(proxy, ...taken)
  }
  const worldChanges = () => {
    position = Math.min(position + 1, worlds.length - 1)
    flush()
  }
  const reconnect = () => {
    inbox = []
    state = newDeltaStream
    proxy.connect()
  }
  const settle = () => {
    for (let turn = 0; proxy.outbox.length > 0 || inbox.length > 0; turn += 1) {
      if (turn > 10_000) throw new Error('server and proxy never come to rest')
      serverTakes()
      proxyTakes()
    }
  }
  proxy.connect()
  for (const move of moves) [serverTakes, proxyTakes, worldChanges, reconnect][move]?.()
  while (position < worlds.length - 1) worldChanges()
  settle()
  return { proxy, sent, snapshot: snapshot(), reconnect, settle }
}

const plays = (breaks: boolean) =>
  fc.record({
    worlds: fc.array(anyXdsWorld, { minLength: 1, maxLength: 6 }),
    // The world changes seldom enough that the proxy has accepted something in between.
    moves: fc.array(fc.constantFrom(0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 2, ...(breaks ? [3] : [])), {
      maxLength: 150,
      size: 'max',
    }),
  })

const types = ['cluster', 'endpoints', 'listener', 'routes', 'virtualHost'] as const

describe('whatever order requests, responses, changes and broken streams come in', () => {
  test('a proxy that accepts ends with the whole newest snapshot, and nothing of it warms for ever', () => {
    fc.assert(
      fc.property(plays(true), (input) => {
        const { proxy, snapshot } = play(input)
        for (const type of types) expect(versionsOf(proxy.holds[type])).toEqual(versionsOf(snapshot.resources[type]))
        expect([...proxy.warming.cluster, ...proxy.warming.listener]).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  test('a route never leads to a cluster that the proxy does not have', () => {
    fc.assert(
      fc.property(plays(true), (input) => {
        play(input, ({ holds }) => {
          for (const { clusters } of [...holds.routes.values(), ...holds.virtualHost.values()]) {
            for (const cluster of clusters) {
              expect([cluster, holds.cluster.has(cluster), holds.endpoints.has(cluster)]).toEqual([cluster, true, true])
            }
          }
        })
      }),
      { numRuns: 500 },
    )
  })

  test('a route never goes before the endpoints that it leads to, as they are then', () => {
    fc.assert(
      fc.property(plays(true), (input) => {
        play(input, ({ holds }, { type, resources }, world) => {
          if (type !== 'routes' && type !== 'virtualHost') return
          const later = input.worlds.slice(world)
          for (const cluster of resources.flatMap(({ clusters }) => clusters)) {
            const versions = later.map(({ clusters }) => `e${clusters[cluster]?.[1]}`)
            expect(versions).toContain(holds.endpoints.get(cluster)?.version)
          }
        })
      }),
      { numRuns: 1_000 },
    )
  })

  test('a proxy that comes back with everything is sent its endpoints and nothing else', () => {
    fc.assert(
      fc.property(plays(false), (input) => {
        const { sent, reconnect, settle } = play(input)
        const before = sent.length
        reconnect()
        settle()
        // That there is nothing of a type is said to every new stream: a proxy that has nothing waits for it.
        const told = sent.slice(before).filter(({ resources, removed }) => resources.length + removed.length > 0)
        expect(new Set(told.map(({ type }) => type))).toEqual(new Set(['endpoints']))
      }),
    )
  })

  test.each([
    ['first', 1],
    ['last', 2],
  ])('virtual hosts that a proxy dropped are not believed to be there, be they asked for %s', (_, breaks) => {
    const clusters = { a: [0, 0] } as const
    const routed = { clusters, routes: { s: [0, ['a']] } } as const
    const settling = Array.from({ length: 80 }, (__, index) => index % 2)
    // The table goes and comes again; the stream breaks when the proxy has asked for it.
    const moves = [...settling, 2, ...settling, 2, 1, ...Array(breaks).fill(3)]
    const { proxy, snapshot } = play({ worlds: [routed, { clusters, routes: {} }, routed], moves })
    expect(versionsOf(proxy.holds.virtualHost)).toEqual(versionsOf(snapshot.resources.virtualHost))
    expect([...proxy.warming.listener]).toEqual([])
  })

  test('what did not change is not sent again', () => {
    fc.assert(
      fc.property(anyXdsWorld, (world) => {
        const [name] = Object.keys(world.routes)
        fc.pre(name !== undefined)
        const changed = {
          ...world,
          routes: { ...world.routes, [name ?? '']: [7, Object.keys(world.clusters)] as const },
        }
        const alone = play({ worlds: [world], moves: [] }).sent.length
        // The world changes when the first one has arrived.
        const moves = [...Array.from({ length: 100 }, (_, index) => index % 2), 2]
        const { sent } = play({ worlds: [world, changed], moves })
        const clusters = Object.keys(world.clusters)
        expect(sent.slice(alone).map(({ type, resources }) => [type, resources.map((each) => each.name)])).toEqual([
          name === 'r' ? ['routes', [name]] : ['virtualHost', clusters.map((cluster) => `${name}/${cluster}`)],
        ])
      }),
    )
  })

  test('what is rejected is not sent again and again, and holds back no other resource', () => {
    const isBad = (own: string) => own.startsWith('r2') || own === 'e2' || own === 'c2'
    const rejects = (response: DeltaResponse) => response.resources.some(({ version }) => isBad(version))
    fc.assert(
      fc.property(plays(false), (input) => {
        const { proxy, sent, snapshot } = play({ ...input, rejects })
        expect(sent.length).toBeLessThan(60 + 60 * input.worlds.length)
        for (const type of ['cluster', 'endpoints', 'routes', 'virtualHost'] as const) {
          const wanted = [...snapshot.resources[type].values()].filter(
            ({ name, version, clusters }) =>
              !isBad(version) &&
              (type !== 'endpoints' || proxy.holds.cluster.has(name)) &&
              clusters.every((cluster) => proxy.holds.cluster.has(cluster) && proxy.holds.endpoints.has(cluster)),
          )
          expect(versionsOf(proxy.holds[type])).toMatchObject(versionsOf(toResources(wanted)))
        }
      }),
      { numRuns: 500 },
    )
  })

  test('a proxy that rejects everything is left in peace', () => {
    fc.assert(
      fc.property(plays(false), (input) => {
        const { sent, proxy } = play({ ...input, rejects: () => true })
        expect(sent.length).toBeLessThanOrEqual(20 * input.worlds.length)
        expect(proxy.holds.routes.size).toBe(0)
      }),
    )
  })
})
