import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ClusterObjects, createTranslation, translate } from '../../../src/mesh/istio/index.ts'
import type { MeshProxy } from '../../../src/mesh/model/index.ts'
import { anyClusterEdits } from '../../support/any-cluster-edits.ts'
import { shopOf, splitBetween, virtualServiceOf } from '../../support/mesh-objects.ts'

test('whatever was edited before, a translation says what one from scratch says', () => {
  fc.assert(
    fc.property(anyClusterEdits, (states) => {
      const translateNext = createTranslation()
      for (const objects of states) expect(translateNext(objects)).toEqual(translate(objects))
    }),
    { numRuns: 40 },
  )
})

test('a changed weight makes the tables and virtual hosts that carry it and nothing else', () => {
  const translateNext = createTranslation()
  const first = translateNext(routed(10))
  const next = translateNext(routed(20))
  expect(next.clusters).toBe(first.clusters)
  const isNew = (proxy: MeshProxy, index: number) => proxy !== first.proxies[index]
  const namesOf = (proxies: readonly MeshProxy[]) => proxies.map(({ id }) => id.split('~')[2])
  expect(namesOf(next.proxies.filter(isNew)).sort()).toEqual(namesOf(next.proxies).sort())
  const known = new Set<unknown>(first.proxies.flatMap(partsOf))
  const anew = new Set(next.proxies.flatMap(partsOf).filter((part) => !known.has(part)))
  expect([...anew].map(({ name }) => name).sort()).toEqual([
    'http_proxy',
    'web.shop.svc.cluster.local:80',
    'web.shop.svc.cluster.local:80',
    'web.shop.svc.cluster.local:80',
  ])
})

test('lists of the very same objects make nothing anew', () => {
  const translateNext = createTranslation()
  const objects = { ...routed(10), gateways: [], pods: routed(10).pods.slice(0, 3) }
  const first = translateNext(objects)
  const again = translateNext({ ...objects, services: [...objects.services], pods: [...objects.pods] })
  expect(again.clusters).toBe(first.clusters)
  expect(again.proxies.map((proxy, index) => proxy === first.proxies[index])).toEqual([true, true, true])
})

const shop = shopOf()

const routed = (weight: number): ClusterObjects => ({
  ...shop,
  gateways: [],
  virtualServices: [virtualServiceOf('web', { http: [{ route: splitBetween('web-primary', 'web-canary', weight) }] })],
})

const partsOf = ({ routeTables }: MeshProxy) => [
  ...routeTables,
  ...routeTables.flatMap(({ virtualHosts }) => virtualHosts),
]
