import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type EnvoyResource, renderMesh, resourceTypes } from '../../../src/mesh/envoy/index.ts'
import { translate } from '../../../src/mesh/istio/index.ts'
import { createSnapshotBuilder } from '../../../src/mesh/xds/index.ts'
import { anyClusterObjects } from '../../support/any-cluster-objects.ts'
import { shopOf } from '../../support/mesh-objects.ts'

const shop = shopOf()

describe('snapshots', () => {
  test('whatever the cluster holds, each proxy has a consistent one', () => {
    fc.assert(
      fc.property(anyClusterObjects, (input) => {
        const build = createSnapshotBuilder()
        for (const [, resources] of renderMesh(translate(input))) {
          const built = build([resources])
          expect(built.ok ? [] : built.error).toEqual([])
        }
      }),
      { numRuns: 300 },
    )
  })

  test('equal objects give equal versions, in whatever order they are listed', () => {
    const versions = (input: typeof shop) =>
      [...renderMesh(translate(input))]
        .map(([id, resources]) => [id, createSnapshotBuilder()([resources])])
        .map(([id, built]) => [id, typeof built === 'object' && built.ok && resourceTypes.map(built.value.version)])
        .sort()
    const reversed = Object.fromEntries(
      Object.entries(shop).flatMap(([kind, list]) => (Array.isArray(list) ? [[kind, [...list].reverse()]] : [])),
    )
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
    ['clusters', without('cluster'), /virtualHost http_proxy\/web\.shop\S* needs cluster outbound/],
    ['virtual hosts', without('virtualHost'), /^routes http_proxy needs virtualHost http_proxy\/allow_any$/],
    ['names of their own', [...resources, ...resources.slice(0, 1)], /^cluster BlackHoleCluster is there twice$/],
  ]
  test.each(rows)('without %s there is no snapshot', (_, incomplete, problem) => {
    expect(createSnapshotBuilder()([incomplete])).toMatchObject({ ok: false, error: expect.stringMatching(problem) })
  })
})
