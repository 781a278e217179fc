import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isEqual } from '../../../src/base/index.ts'
import { createMeshRenderer, type EnvoyResource, renderMesh } from '../../../src/mesh/envoy/index.ts'
import { translate } from '../../../src/mesh/istio/index.ts'
import { createMeshSharing, type Mesh } from '../../../src/mesh/model/index.ts'
import { anyClusterObjects } from '../../support/any-cluster-objects.ts'
import { shopOf, splitBetween, virtualServiceOf } from '../../support/mesh-objects.ts'

const nothing: Mesh = { clusters: [], proxies: [], findings: [] }

test('whatever changed before, what is kept is what would be made anew', () => {
  fc.assert(
    fc.property(fc.array(anyClusterObjects, { minLength: 1, maxLength: 4 }), (changes) => {
      const render = createMeshRenderer()
      const shareMesh = createMeshSharing()
      let mesh = nothing
      for (const objects of changes) {
        const next = translate(objects)
        mesh = shareMesh(mesh, next)
        expect(isEqual(mesh, next)).toBe(true)
        const kept = [...render(mesh)].map(([id, groups]) => [id, groups.flat().map(textOf)])
        expect(kept).toEqual([...renderMesh(next)].map(([id, resources]) => [id, resources.map(textOf)]))
      }
    }),
    { numRuns: 40 },
  )
})

test('a changed weight renders the tables and virtual hosts that carry it and nothing else', () => {
  const shop = shopOf()
  const routed = (weight: number) => {
    const route = splitBetween('web-primary', 'web-canary', weight)
    return translate({ ...shop, virtualServices: [virtualServiceOf('web', { http: [{ route }] })] })
  }
  const render = createMeshRenderer()
  const shareMesh = createMeshSharing()
  const first = shareMesh(nothing, routed(10))
  const before = resourcesOf(render(first))
  const after = resourcesOf(render(shareMesh(first, routed(20))))
  const anew = [...after].filter((resource) => !before.has(resource))
  expect(anew.map(({ type, name }) => `${type} ${name}`).sort()).toEqual([
    'routes web.shop.svc.cluster.local:80',
    'virtualHost http_proxy/web.shop.svc.cluster.local:80',
  ])
})

const textOf = ({ type, name, message, clusters, needs }: EnvoyResource): string =>
  `${type} ${name} ${Buffer.from(message).toString('hex')} ${clusters.join()} ${needs.join()}`

const resourcesOf = (rendered: ReturnType<ReturnType<typeof createMeshRenderer>>): ReadonlySet<EnvoyResource> =>
  new Set([...rendered.values()].flat(2))
