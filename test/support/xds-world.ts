import fc from 'fast-check'
import type { Resources, Snapshot, SnapshotResource } from '../../src/mesh/xds/index.ts'

/** A world in a few words: version of each cluster, version of its endpoints, and per route a version and its clusters. */
export interface XdsWorld {
  readonly clusters: Readonly<Record<string, readonly [version: number, endpoints: number]>>
  readonly routes: Readonly<Record<string, readonly [version: number, clusters: readonly string[]]>>
}

const clusterNames = ['a', 'b', 'c', 'd']
const routeNames = ['r', 's', 't']
const version = fc.integer({ min: 0, max: 2 })

export const anyXdsWorld: fc.Arbitrary<XdsWorld> = fc
  .dictionary(fc.constantFrom(...clusterNames), fc.tuple(version, version), { minKeys: 1 })
  .chain((clusters) =>
    fc.record({
      clusters: fc.constant(clusters),
      routes: fc.dictionary(
        fc.constantFrom(...routeNames),
        fc.tuple(version, fc.subarray(Object.keys(clusters), { minLength: 1 })),
      ),
    }),
  )

export const toResources = (resources: readonly SnapshotResource[]): Resources =>
  new Map(resources.map((resource) => [resource.name, resource]))

const make = (name: string, content: string, rest: Partial<SnapshotResource> = {}): SnapshotResource => ({
  name,
  version: content,
  bytes: new Uint8Array(),
  clusters: [],
  needs: [],
  ...rest,
})

/**
 * With `oneByOne` all tables but `r` have their virtual hosts apart: one for each cluster, and one that catches all. It
 * is another one, and the listeners are others, when the number of clusters is.
 */
export function snapshotOf({ clusters, routes }: XdsWorld, { oneByOne = false } = {}): Snapshot {
  const isApart = (name: string): boolean => oneByOne && name !== 'r'
  const count = oneByOne ? Object.keys(clusters).length : 0
  const catchAll = `any${count % 2}`
  return {
    version: () => JSON.stringify({ clusters, routes }),
    resources: {
      cluster: toResources(Object.entries(clusters).map(([name, [own]]) => make(name, `c${own}`, { needs: [name] }))),
      endpoints: toResources(Object.entries(clusters).map(([name, [, own]]) => make(name, `e${own}`))),
      listener: toResources(
        Object.keys(routes).map((name) => make(`listener-${name}`, `l${count}`, { needs: [name] })),
      ),
      routes: toResources(
        Object.entries(routes).map(([name, [own, used]]) =>
          isApart(name)
            ? make(name, 'table', { needs: [`${name}/${catchAll}`] })
            : make(name, `r${own}${used.join('')}`, { clusters: used }),
        ),
      ),
      virtualHost: toResources(
        Object.entries(routes).flatMap(([name, [own, used]]) =>
          isApart(name)
            ? [
                make(`${name}/${catchAll}`, 'any'),
                ...used.map((each) => make(`${name}/${each}`, `r${own}`, { clusters: [each] })),
              ]
            : [],
        ),
      ),
      secret: new Map(),
    },
  }
}

export const versionsOf = (resources: Iterable<readonly [string, { readonly version: string }]>) =>
  Object.fromEntries([...resources].map(([name, { version: own }]) => [name, own]).sort())
