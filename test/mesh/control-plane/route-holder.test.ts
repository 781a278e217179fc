import { describe, expect, test } from 'vitest'
import { createRouteHolder } from '../../../src/mesh/control-plane/route-holder.ts'
import { type ClusterObjects, translate } from '../../../src/mesh/istio/index.ts'
import type { Mesh } from '../../../src/mesh/model/index.ts'
import { shopOf, splitBetween, virtualServiceOf } from '../../support/mesh-objects.ts'

const shop = shopOf()
const withoutCanary = shop.endpointSlices.filter(({ metadata }) => metadata.name !== 'web-canary-1')
const route = (generation: number, canaryWeight: number, host = 'web-canary') =>
  virtualServiceOf(
    'web',
    { http: [{ route: splitBetween('web-primary', host, canaryWeight) }] },
    { metadata: { generation } },
  )
const objects = (rest: Partial<ClusterObjects>): ClusterObjects => ({ ...shop, ...rest })

const shares = (mesh: Mesh): unknown =>
  mesh.proxies
    .flatMap(({ routeTables }) => routeTables)
    .find(({ name }) => name === 'web.shop.svc.cluster.local:80')
    ?.virtualHosts[0]?.routes[0]?.clusters.map(({ weight }) => weight)

/** What the holder makes of one moment after the other: the weights in force, and until when something is held. */
function play(...moments: readonly (readonly [atMs: number, rest: Partial<ClusterObjects>])[]) {
  const holder = createRouteHolder(translate, 3_000)
  return moments.map(([atMs, rest]) => {
    const { mesh, untilMs, notes } = holder.hold(objects(rest), atMs)
    return [shares(mesh), untilMs, [...notes.values()]]
  })
}

const before = { virtualServices: [route(1, 0)], endpointSlices: withoutCanary }
const after = { virtualServices: [route(2, 100)], endpointSlices: withoutCanary }

describe('a route that leads to nobody yet', () => {
  test('waits, and is followed as soon as somebody is ready', () => {
    expect(play([0, before], [10, after], [500, after], [700, { virtualServices: [route(2, 100)] }])).toEqual([
      [[100, 0], undefined, []],
      [[100, 0], 3_010, []],
      [[100, 0], 3_010, []],
      [[0, 100], undefined, []],
    ])
  })

  test('is followed after its time, which is told until there is another version', () => {
    const note = 'followed after 3 s without a ready endpoint of outbound|80||web-canary.shop.svc.cluster.local'
    const next = { virtualServices: [route(3, 0)], endpointSlices: withoutCanary }
    expect(play([0, before], [10, after], [3_010, after], [4_000, after], [5_000, next])).toEqual([
      [[100, 0], undefined, []],
      [[100, 0], 3_010, []],
      [[0, 100], undefined, [note]],
      [[0, 100], undefined, [note]],
      [[100, 0], undefined, []],
    ])
  })

  test('a destination that is not known yet is waited for too', () => {
    const unknown = { virtualServices: [route(2, 50, 'web-next')], endpointSlices: withoutCanary }
    expect(play([0, before], [10, unknown])[1]).toEqual([[100, 0], 3_010, []])
  })

  test('one that does not exist is refused, which is told, until it does', () => {
    const unknown = { virtualServices: [route(2, 50, 'web-next')] }
    const [web] = shop.services
    const holder = createRouteHolder(translate, 3_000)
    const moments = [
      [0, before],
      [10, unknown],
      [3_010, unknown],
      [60_000, unknown],
      [60_010, { virtualServices: [route(3, 60, 'web-canary')] }],
      [60_020, unknown],
      [63_020, unknown],
      [
        63_030,
        { ...unknown, services: [...shop.services, { ...web, metadata: { ...web?.metadata, name: 'web-next' } }] },
      ],
    ] as const
    const played = moments.map(([atMs, rest]) => {
      const { mesh, objects: inForce, untilMs } = holder.hold(objects(rest as Partial<ClusterObjects>), atMs)
      const generations = inForce.virtualServices.map(({ metadata }) => metadata.generation)
      return [shares(mesh), untilMs, generations, mesh.findings.map(({ message }) => message)]
    })
    const missing =
      'spec.http[0]: there is no Service web-next.shop.svc.cluster.local; the version before stays in force'
    expect(played).toEqual([
      [[100, 0], undefined, [1], []],
      [[100, 0], 3_010, [1], []],
      [[100, 0], undefined, [2], [missing]],
      [[100, 0], undefined, [2], [missing]],
      [[40, 60], undefined, [3], []],
      [[40, 60], 63_020, [3], []],
      [[40, 60], undefined, [2], [missing]],
      // There is a Service now: the route has waited its time for somebody to be ready behind it.
      [[50, 50], undefined, [2], []],
    ])
  })

  test('the version before it says which generation is in force', () => {
    const holder = createRouteHolder(translate, 3_000)
    holder.hold(objects(before), 0)
    const held = holder.hold(objects(after), 10)
    expect(held.objects.virtualServices.map(({ metadata }) => metadata.generation)).toEqual([1])
  })
})

describe('is not held', () => {
  const rows: readonly (readonly [string, Partial<ClusterObjects>, Partial<ClusterObjects>])[] = [
    ['a route that is new', { endpointSlices: withoutCanary }, after],
    ['one whose endpoints are there', before, { virtualServices: [route(2, 100)] }],
    [
      'one that sends nothing to nobody',
      { virtualServices: [route(1, 50)] },
      { ...before, virtualServices: [route(2, 0)] },
    ],
    [
      'one that takes weight off nobody',
      { ...before, virtualServices: [route(1, 80)] },
      { ...before, virtualServices: [route(2, 20)] },
    ],
    [
      'what loses its endpoints later',
      { virtualServices: [route(1, 100)] },
      { virtualServices: [route(1, 100)], endpointSlices: withoutCanary },
    ],
    ['one that was no better before', { ...before, endpointSlices: [] }, { ...after, endpointSlices: [] }],
  ]
  test.each(rows)('%s', (_, first, second) => {
    expect(play([0, first], [10, second])[1]?.[1]).toBeUndefined()
  })
})
