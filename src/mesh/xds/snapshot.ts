import { createHash } from 'node:crypto'
import { toBinary } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { failure, type Result, success } from '../../base/index.ts'
import { type EnvoyResource, type ResourceType, resourceTypes } from '../envoy/index.ts'

/** A resource ready to be sent; its version is the hash of its bytes. */
export interface SnapshotResource {
  readonly name: string
  readonly version: string
  /** An encoded google.protobuf.Any; shared between snapshots and streams, never changed. */
  readonly bytes: Uint8Array
  readonly clusters: readonly string[]
  readonly needs: readonly string[]
}

export type Resources = ReadonlyMap<string, SnapshotResource>

/** All that one proxy is to have; replaced whole. */
export interface Snapshot {
  readonly version: string
  readonly resources: Readonly<Record<ResourceType, Resources>>
  readonly versions: Readonly<Record<ResourceType, string>>
}

export type SnapshotBuilder = (resources: readonly EnvoyResource[]) => Result<Snapshot>

/** Encodes each resource object once, however many proxies share it. */
export function createSnapshotBuilder(): SnapshotBuilder {
  const encoded = new WeakMap<EnvoyResource, SnapshotResource>()
  const encode = (resource: EnvoyResource): SnapshotResource => {
    const known = encoded.get(resource) ?? encodeResource(resource)
    encoded.set(resource, known)
    return known
  }
  return (resources) => {
    const byType = Map.groupBy(resources, (resource) => resource.type)
    const maps = eachType((type) => toMap((byType.get(type) ?? []).map(encode)))
    const problems = [...duplicates(resources), ...inconsistencies(maps)]
    if (problems.length > 0) return failure(problems.join('; '))
    const versions = eachType((type) => versionOf(maps[type]))
    return success({ resources: maps, versions, version: hash(resourceTypes.map((type) => versions[type]).join()) })
  }
}

const eachType = <T>(value: (type: ResourceType) => T): Readonly<Record<ResourceType, T>> => ({
  cluster: value('cluster'),
  endpoints: value('endpoints'),
  listener: value('listener'),
  routes: value('routes'),
  secret: value('secret'),
})

function encodeResource({ name, message, clusters, needs }: EnvoyResource): SnapshotResource {
  const bytes = toBinary(AnySchema, message)
  return { name, version: hash(bytes), bytes, clusters, needs }
}

const hash = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex').slice(0, 16)

/** Sorted, so that equal sets are equal bytes. */
const toMap = (resources: readonly SnapshotResource[]): Resources =>
  new Map(
    resources.toSorted((left, right) => (left.name < right.name ? -1 : 1)).map((resource) => [resource.name, resource]),
  )

const versionOf = (resources: Resources): string =>
  hash([...resources.values()].map(({ name, version }) => `${name}=${version}`).join('\n'))

function duplicates(resources: readonly EnvoyResource[]): readonly string[] {
  const seen = new Set<string>()
  return resources.flatMap(({ type, name }) => {
    const key = `${type} ${name}`
    if (seen.has(key)) return [`${key} is there twice`]
    seen.add(key)
    return []
  })
}

/** Everything that is named must be there: Envoy would wait for it, or answer 503. */
function inconsistencies(maps: Readonly<Record<ResourceType, Resources>>): readonly string[] {
  const missing = (from: ResourceType, field: 'clusters' | 'needs', to: ResourceType) =>
    [...maps[from].values()].flatMap((resource) =>
      resource[field]
        .filter((name) => !maps[to].has(name))
        .map((name) => `${from} ${resource.name} needs ${to} ${name}`),
    )
  return [
    ...missing('cluster', 'needs', 'endpoints'),
    ...missing('listener', 'clusters', 'cluster'),
    ...missing('listener', 'needs', 'routes'),
    ...missing('routes', 'clusters', 'cluster'),
  ]
}
