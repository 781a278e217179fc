import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newStream, next, type Response, receive, type StreamState } from '../../../src/mesh/xds/index.ts'
import { createSimulatedProxy, type SimulatedProxy } from '../../support/xds-proxy.ts'
import { anyXdsWorld, snapshotOf, toResources, versionsOf, type XdsWorld } from '../../support/xds-world.ts'

interface Play {
  readonly worlds: readonly XdsWorld[]
  /** Who moves next: the server takes a request, the proxy takes a response, or the world changes. */
  readonly moves: readonly number[]
  readonly asksFirst: boolean
  readonly rejects: (response: Response) => boolean
}

/** What the proxy has after it took a response that was planned in one of the worlds. */
type Check = (proxy: SimulatedProxy, response: Response, world: number) => void

/** Plays server and proxy against each other in the given order, then until nothing is on its way. */
function play({ worlds, moves, asksFirst, rejects }: Play, check: Check) {
  const proxy = createSimulatedProxy({ rejects, asksFirst: () => asksFirst })
  const inbox: (readonly [Response, number])[] = []
  let state: StreamState = newStream
  let position = 0
  let responses = 0
  const snapshot = () => snapshotOf(worlds[position] ?? { clusters: {}, routes: {} })
  const flush = () => {
    for (let planned = next(state, snapshot()); planned; planned = next(state, snapshot())) {
      state = planned.state
      responses += 1
      inbox.push([planned.response, position])
    }
  }
  const serverTakes = () => {
    const request = proxy.outbox.shift()
    if (request === undefined) return
    state = receive(state, request).state
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
  proxy.start()
  for (const move of moves) [serverTakes, proxyTakes, worldChanges][move]?.()
  while (position < worlds.length - 1) worldChanges()
  for (let turn = 0; proxy.outbox.length > 0 || inbox.length > 0; turn += 1) {
    if (turn > 10_000) throw new Error('server and proxy never come to rest')
    serverTakes()
    proxyTakes()
  }
  return { proxy, responses, snapshot: snapshot() }
}

const plays = fc.record({
  worlds: fc.array(anyXdsWorld, { minLength: 1, maxLength: 6 }),
  // The world changes seldom enough that the proxy has accepted something in between.
  moves: fc.array(fc.constantFrom(0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 2), { maxLength: 150, size: 'max' }),
  asksFirst: fc.boolean(),
})

describe('whatever order requests, responses and changes come in', () => {
  test('a proxy that accepts ends with the whole newest snapshot, and nothing of it warms for ever', () => {
    fc.assert(
      fc.property(plays, (input) => {
        const { proxy, snapshot } = play({ ...input, rejects: () => false }, () => {})
        for (const type of ['cluster', 'endpoints', 'listener', 'routes'] as const) {
          expect(versionsOf(proxy.holds[type])).toEqual(versionsOf(snapshot.resources[type]))
        }
        expect([...proxy.warming.cluster, ...proxy.warming.listener]).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  test('a route never leads to a cluster that the proxy does not have', () => {
    fc.assert(
      fc.property(plays, (input) => {
        play({ ...input, rejects: () => false }, ({ holds }) => {
          for (const route of holds.routes.values()) {
            for (const cluster of route.clusters) {
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
      fc.property(plays, (input) => {
        play({ ...input, rejects: () => false }, ({ holds }, { type, resources }, world) => {
          if (type !== 'routes') return
          const later = input.worlds.slice(world)
          for (const cluster of resources.flatMap(({ clusters }) => clusters)) {
            const versions = later.map(({ clusters }) => `e${clusters[cluster]?.[1]}`)
            expect(versions).toContain(holds.endpoints.get(cluster)?.version)
          }
        })
      }),
      { numRuns: 500 },
    )
  })

  test('what is rejected is not sent again and again, and holds back no other resource of its type', () => {
    const isBad = (own: string) => own.startsWith('r2') || own === 'e2'
    const bad = (response: Response) => response.resources.some((resource) => isBad(resource.version))
    fc.assert(
      fc.property(plays, (input) => {
        const { proxy, responses, snapshot } = play({ ...input, rejects: bad }, () => {})
        expect(responses).toBeLessThan(40 + 40 * input.worlds.length)
        for (const type of ['endpoints', 'routes'] as const) {
          const wanted = [...snapshot.resources[type].values()].filter(
            (resource) =>
              !isBad(resource.version) && resource.clusters.every((cluster) => proxy.holds.endpoints.has(cluster)),
          )
          expect(versionsOf(proxy.holds[type])).toMatchObject(versionsOf(toResources(wanted)))
        }
      }),
      { numRuns: 500 },
    )
  })

  test('a proxy that rejects everything is left in peace', () => {
    fc.assert(
      fc.property(plays, (input) => {
        const { responses, proxy } = play({ ...input, rejects: () => true }, () => {})
        expect(responses).toBeLessThanOrEqual(4 * input.worlds.length)
        expect(proxy.holds.routes.size).toBe(0)
      }),
    )
  })
})
