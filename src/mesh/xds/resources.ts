import { remember } from '../../base/index.ts'

/** A resource ready to be sent; its version is the hash of its bytes. */
export interface SnapshotResource {
  readonly name: string
  readonly version: string
  /** An encoded google.protobuf.Any; shared between snapshots and streams, never changed. */
  readonly bytes: Uint8Array
  readonly clusters: readonly string[]
  readonly needs: readonly string[]
}

/** By name. */
export type Resources = ReadonlyMap<string, SnapshotResource>

export const noResources: Resources = new Map()

/** What many proxies share and what one adds to it, read as one map without copying the shared part. */
class Layers implements Resources {
  readonly shared: Resources
  readonly own: Resources
  readonly all: readonly Resources[]

  constructor(shared: Resources, own: Resources) {
    this.shared = shared
    this.own = own
    this.all = [...layersOf(shared), own]
  }
  get size(): number {
    return this.shared.size + this.own.size
  }
  get(name: string): SnapshotResource | undefined {
    return this.own.get(name) ?? this.shared.get(name)
  }
  has(name: string): boolean {
    return this.own.has(name) || this.shared.has(name)
  }
  *entries(): MapIterator<[string, SnapshotResource]> {
    yield* this.shared
    yield* this.own
  }
  *keys(): MapIterator<string> {
    for (const [name] of this.entries()) yield name
  }
  *values(): MapIterator<SnapshotResource> {
    for (const [, resource] of this.entries()) yield resource
  }
  forEach(each: (resource: SnapshotResource, name: string, map: Resources) => void): void {
    for (const [name, resource] of this.entries()) each(resource, name, this)
  }
  [Symbol.iterator](): MapIterator<[string, SnapshotResource]> {
    return this.entries()
  }
}

/** The maps must have no name in common. */
export function layerResources(shared: Resources, own: Resources): Resources {
  if (own.size === 0) return shared
  return shared.size === 0 ? own : new Layers(shared, own)
}

/** The map's layers, from the shared one to the own one; itself when it has none. */
export const layersOf = (resources: Resources): readonly Resources[] =>
  resources instanceof Layers ? resources.all : alone(resources)

const alone = remember((resources: Resources): readonly Resources[] => [resources])

/** Names whose resources differ, those that only one of the two maps has included. */
export type Differences = ReadonlySet<string>

/** A map of which only the versions matter. */
type Versions = ReadonlyMap<string, { readonly version: string }>

const compared = remember((before: Versions) => remember((after: Versions) => compare(before, after)))
const none: Differences = new Set()

/** Of two maps that many streams share the differences are looked for once. */
export function differencesBetween(before: Versions, after: Versions): Differences {
  if (before === after) return none
  if (before instanceof Layers && after instanceof Layers) {
    const shared = differencesBetween(before.shared, after.shared)
    const own = differencesBetween(before.own, after.own)
    if (own.size === 0) return shared
    return shared.size === 0 ? own : new Set([...shared, ...own])
  }
  return compared(before)(after)
}

function compare(before: Versions, after: Versions): Differences {
  const changed = new Set<string>()
  for (const [name, { version }] of after) if (before.get(name)?.version !== version) changed.add(name)
  for (const name of before.keys()) if (!after.has(name)) changed.add(name)
  return changed
}
