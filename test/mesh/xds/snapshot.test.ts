import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type EnvoyResource, renderMesh } from '../../../src/mesh/envoy/index.ts'
import { translate } from '../../../src/mesh/istio/index.ts'
import { createSnapshotBuilder } from '../../../src/mesh/xds/index.ts'
import { destinationRuleOf, shopOf, virtualServiceOf } from '../../support/mesh-objects.ts'

const shop = shopOf()

const services = ['web', 'web-primary', 'web-canary', 'gone']
const destination = fc.record({
  host: fc.constantFrom(...services),
  subset: fc.option(fc.constantFrom('v1', 'v9'), { nil: undefined }),
})
const objects = fc
  .record({
    services: fc.subarray([...shop.services]),
    pods: fc.subarray([...shop.pods]),
    endpointSlices: fc.subarray([...shop.endpointSlices]),
    gateways: fc.subarray([...shop.gateways]),
    routes: fc.array(
      fc.record({
        host: fc.constantFrom(...services, '*', '*.example'),
        destinations: fc.array(fc.tuple(destination, fc.integer({ min: 0, max: 100 })), { minLength: 1, maxLength: 3 }),
        mirror: fc.option(destination, { nil: undefined }),
        gateways: fc.subarray(['mesh', 'public'], { minLength: 1 }),
      }),
      { maxLength: 4 },
    ),
    hasSubsets: fc.boolean(),
  })
  .map(({ routes, hasSubsets, ...rest }) => ({
    ...shop,
    ...rest,
    destinationRules: hasSubsets ? [destinationRuleOf('web', { host: 'web', subsets: [{ name: 'v1' }] })] : [],
    virtualServices: routes.map(({ host, destinations, mirror, gateways }, index) =>
      virtualServiceOf(`route-${index}`, {
        hosts: [host],
        gateways,
        http: [
          {
            route: destinations.map(([{ host: target, subset }, weight]) => ({
              destination: { host: target, ...(subset ? { subset } : {}) },
              weight,
            })),
            ...(mirror ? { mirror: { host: mirror.host } } : {}),
          },
        ],
      }),
    ),
  }))

describe('snapshots', () => {
  test('whatever the cluster holds, each proxy has a consistent one', () => {
    fc.assert(
      fc.property(objects, (input) => {
        const build = createSnapshotBuilder()
        for (const [, resources] of renderMesh(translate(input))) {
          const built = build(resources)
          expect(built.ok ? [] : built.error).toEqual([])
        }
      }),
      { numRuns: 300 },
    )
  })

  test('equal objects give equal versions, in whatever order they are listed', () => {
    const versions = (input: typeof shop) =>
      [...renderMesh(translate(input))]
        .map(([id, resources]) => [id, createSnapshotBuilder()(resources)])
        .map(([id, built]) => [id, typeof built === 'object' && built.ok && built.value.version])
        .sort()
    const reversed = Object.fromEntries(Object.entries(shop).map(([kind, list]) => [kind, [...list].reverse()]))
    expect(versions({ ...shop, ...reversed })).toEqual(versions(shop))
  })

  const resources = [...renderMesh(translate(shop)).values()][0] ?? []
  const without = (type: EnvoyResource['type']) => resources.filter((resource) => resource.type !== type)
  const rows: readonly (readonly [string, readonly EnvoyResource[], RegExp])[] = [
    [
      'endpoints',
      without('endpoints'),
      /^cluster outbound\|80\|\|web-canary.* needs endpoints outbound\|80\|\|web-canary/,
    ],
    ['routes', without('routes'), /^listener outbound\|127\.20\.1\.1\|15080 needs routes http_proxy/],
    ['clusters', without('cluster'), /routes http_proxy needs cluster outbound/],
    ['names of their own', [...resources, ...resources.slice(0, 1)], /^cluster BlackHoleCluster is there twice$/],
  ]
  test.each(rows)('without %s there is no snapshot', (_, incomplete, problem) => {
    expect(createSnapshotBuilder()(incomplete)).toMatchObject({ ok: false, error: expect.stringMatching(problem) })
  })
})
