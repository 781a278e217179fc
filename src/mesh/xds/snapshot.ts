import { createHash } from 'node:crypto'
import { failure, type Result, remember, success } from '../../base/index.ts'
import { type EnvoyResource, eachType, type ProxyResources, type ResourceType, resourceTypes } from '../envoy/index.ts'
import { layerResources, layersOf, noResources, type Resources, type SnapshotResource } from './resources.ts'

/** All that one proxy is to have; replaced whole. */
export interface Snapshot {
  readonly resources: ResourceMaps
  /** Of all resources of a type together. */
  version(type: ResourceType): string
}

type ResourceMaps = Readonly<Record<ResourceType, Resources>>

export type SnapshotBuilder = (groups: ProxyResources) => Result<Snapshot>

/** Reads each resource once, and reads and checks each group once, however many proxies share it. */
export function createSnapshotBuilder(): SnapshotBuilder {
  const withVersion = remember(versioned)
  const toMaps = remember((group: readonly EnvoyResource[]) => groupToMaps(group, withVersion))
  const findTwice = remember((group: readonly EnvoyResource[]) => twiceIn(group, toMaps(group)))
  const layer = rememberPair(layerResources)
  const findClashes = rememberPair(sharedNames)
  const versionOfLayer = remember(hashVersions)
  const versionOf = (resources: Resources): string => hash(layersOf(resources).map(versionOfLayer).join())
  const findInconsistencies = createConsistencyCheck()
  return (groups) => {
    const maps = groups.map(toMaps)
    const resources = eachType((type) =>
      maps.reduce((found, each) => {
        const added = each[type]
        if (added.size === 0) return found
        return found.size === 0 ? added : layer(found, added)
      }, noResources),
    )
    const problems = [
      ...groups.flatMap(findTwice),
      ...resourceTypes.flatMap((type) => clashes(type, resources[type], findClashes)),
      ...findInconsistencies(resources),
    ]
    if (problems.length > 0) return failure(problems.join('; '))
    return success(createSnapshot(resources, versionOf))
  }
}

/** Versions of whole types are computed when somebody asks: only state of the world does. */
const createSnapshot = (resources: ResourceMaps, versionOf: (resources: Resources) => string): Snapshot => ({
  resources,
  version: (type) => versionOf(resources[type]),
})

function rememberPair<Left extends object, Right extends object, Value>(
  make: (left: Left, right: Right) => Value,
): (left: Left, right: Right) => Value {
  const knownOf = remember((left: Left) => remember((right: Right) => make(left, right)))
  return (left, right) => knownOf(left)(right)
}

const versioned = ({ name, message, clusters, needs }: EnvoyResource): SnapshotResource => ({
  ...{ name, clusters, needs },
  version: hash(message),
  bytes: message,
})

const hash = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex').slice(0, 16)

/** Sorted, so that equal sets are equal bytes. */
function groupToMaps(
  group: readonly EnvoyResource[],
  withVersion: (resource: EnvoyResource) => SnapshotResource,
): ResourceMaps {
  const byType = Map.groupBy(group, (resource) => resource.type)
  return eachType((type) => {
    const resources = (byType.get(type) ?? []).toSorted((left, right) => (left.name < right.name ? -1 : 1))
    return resources.length === 0 ? noResources : new Map(resources.map((each) => [each.name, withVersion(each)]))
  })
}

const hashVersions = (resources: Resources): string =>
  hash([...resources.values()].map(({ name, version }) => `${name}=${version}`).join('\n'))

function twiceIn(group: readonly EnvoyResource[], maps: ResourceMaps): readonly string[] {
  if (resourceTypes.reduce((sum, type) => sum + maps[type].size, 0) === group.length) return []
  const seen = new Set<string>()
  return group.flatMap(({ type, name }) => {
    const key = `${type} ${name}`
    if (seen.has(key)) return [`${key} is there twice`]
    seen.add(key)
    return []
  })
}

const sharedNames = (shared: Resources, own: Resources): readonly string[] =>
  [...own.keys()].filter((name) => shared.has(name))

function clashes(
  type: ResourceType,
  resources: Resources,
  find: (shared: Resources, own: Resources) => readonly string[],
): readonly string[] {
  const layers = layersOf(resources)
  if (layers.length === 1) return []
  return layers.flatMap((own, index) =>
    layers.slice(0, index).flatMap((shared) => find(shared, own).map((name) => `${type} ${name} is there twice`)),
  )
}

/** Who must find whom: Envoy would wait for what is missing, or answer 503. */
const relations = [
  { from: 'cluster', field: 'needs', to: 'endpoints' },
  { from: 'listener', field: 'clusters', to: 'cluster' },
  { from: 'listener', field: 'needs', to: 'routes' },
  { from: 'routes', field: 'clusters', to: 'cluster' },
  { from: 'routes', field: 'needs', to: 'virtualHost' },
  { from: 'virtualHost', field: 'clusters', to: 'cluster' },
] as const satisfies readonly { from: ResourceType; field: 'clusters' | 'needs'; to: ResourceType }[]

/** What many proxies share is looked at once: each shared layer against the other type's shared layer. */
function createConsistencyCheck(): (maps: ResourceMaps) => readonly string[] {
  const checks = relations.map(({ from, field, to }) => {
    const lacking = rememberPair((layer: Resources, target: Resources) =>
      [...layer.values()].flatMap(({ name, [field]: wanted }): readonly Lacking[] => {
        const missing = wanted.filter((each) => !target.has(each))
        return missing.length === 0 ? [] : [{ name, missing }]
      }),
    )
    return (maps: ResourceMaps): readonly string[] => {
      const [first = noResources, ...others] = layersOf(maps[to])
      const open = layersOf(maps[from]).flatMap((layer) => lacking(layer, first))
      if (open.length === 0) return []
      const isElsewhere = (name: string) => others.some((layer) => layer.has(name))
      return open.flatMap(({ name, missing }) =>
        missing.filter((each) => !isElsewhere(each)).map((each) => `${from} ${name} needs ${to} ${each}`),
      )
    }
  })
  return (maps) => checks.flatMap((check) => check(maps))
}

/** A resource, and those that it needs and that are not in the layer it was held against. */
interface Lacking {
  readonly name: string
  readonly missing: readonly string[]
}
