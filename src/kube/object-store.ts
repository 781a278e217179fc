import type { KubernetesObject } from '../api/index.ts'
import { isSameJson } from '../base/index.ts'
import { createObjectIndexes, type NamesOf } from './object-index.ts'
import type { ObjectRef } from './port.ts'
import { isNewer } from './resource-version.ts'

export interface Change<T> {
  readonly current: T | undefined
  readonly previous: T | undefined
}

/** The copy that a reflector keeps: what the server said, and over it what we wrote and the server has not said yet. */
export interface ObjectStore<T extends KubernetesObject> {
  get(ref: ObjectRef): T | undefined
  list(namespace?: string): readonly T[]
  /** A way to find objects by what they name, from now on. */
  indexBy(namesOf: NamesOf<T>): (name: string) => readonly T[]
  /** False where the copy knows better already. */
  overlay(object: T): boolean
  /** Takes a whole list as the truth and returns what changed, deletions that no watch told of included. */
  replaceAll(objects: readonly T[], resourceVersion: string): readonly Change<T>[]
  set(object: T): Change<T>
  remove(object: T): Change<T>
  /** The watch has come this far: own writes up to here need no overlay any more. */
  advance(resourceVersion: string | undefined): void
}

export function createObjectStore<T extends KubernetesObject>(): ObjectStore<T> {
  let server = new Map<string, T>()
  const overlays = new Map<string, T>()
  let reached: string | undefined

  const read = (key: string): T | undefined => overlays.get(key) ?? server.get(key)
  const indexes = createObjectIndexes(read)

  const advance = (resourceVersion: string | undefined): void => {
    if (resourceVersion === undefined || isNewer(reached, resourceVersion)) return
    reached = resourceVersion
    for (const [key, object] of overlays) {
      if (isNewer(object.metadata.resourceVersion, reached)) continue
      overlays.delete(key)
      indexes.update(key)
    }
  }

  /** The server's word on one object; returns what it said before. */
  const take = ({ metadata }: T, current: T | undefined): T | undefined => {
    const key = keyOf(metadata)
    const previous = server.get(key)
    if (current === undefined) server.delete(key)
    else server.set(key, current)
    advance(metadata.resourceVersion)
    indexes.update(key)
    return previous
  }

  return {
    advance,
    get: (ref) => read(keyOf(ref)),
    indexBy: (namesOf) => indexes.add(namesOf, new Set([...server.keys(), ...overlays.keys()])),
    list(namespace) {
      const objects: T[] = []
      const add = (object: T) => {
        if (namespace === undefined || object.metadata.namespace === namespace) objects.push(object)
      }
      for (const [key, object] of server) add(overlays.get(key) ?? object)
      for (const [key, object] of overlays) if (!server.has(key)) add(object)
      return objects
    },
    overlay(object) {
      const { resourceVersion } = object.metadata
      const key = keyOf(object.metadata)
      const known = overlays.get(key)
      if (!isNewer(resourceVersion, reached) || !isNewer(resourceVersion, known?.metadata.resourceVersion)) return false
      overlays.set(key, withFormerSpec(object, read(key)))
      indexes.update(key)
      return true
    },
    replaceAll(objects, resourceVersion) {
      const former = server
      server = new Map(objects.map((object) => [keyOf(object.metadata), object]))
      // A list may stand before the last one, after the server was restored from a backup: it is the truth all the same.
      reached = undefined
      advance(resourceVersion)
      for (const key of new Set([...former.keys(), ...server.keys()])) indexes.update(key)
      return changesBetween(former, server)
    },
    set(object) {
      const current = withFormerSpec(object, read(keyOf(object.metadata)))
      return { current, previous: take(current, current) }
    },
    remove: (object) => ({ current: undefined, previous: take(object, undefined) }),
  }
}

/** Whether what a copy shows is this state of an object, or a later one. */
export function isShown(object: KubernetesObject, shown: KubernetesObject | undefined): boolean {
  if (shown === undefined || shown.metadata.uid !== object.metadata.uid) return false
  return isSame(shown, object) || isNewer(shown.metadata.resourceVersion, object.metadata.resourceVersion)
}

/** Most changes are of the status: a spec that says the same stays the same one, with all that was computed of it. */
function withFormerSpec<T extends KubernetesObject>(object: T, former: T | undefined): T {
  if (former === undefined || !('spec' in object && 'spec' in former)) return object
  return isSameJson(object.spec, former.spec) ? { ...object, spec: former.spec } : object
}

function changesBetween<T extends KubernetesObject>(
  former: ReadonlyMap<string, T>,
  latter: ReadonlyMap<string, T>,
): readonly Change<T>[] {
  const deleted = [...former]
    .filter(([key]) => !latter.has(key))
    .map(([, previous]) => ({ current: undefined, previous }))
  const present = [...latter].map(([key, current]) => ({ current, previous: former.get(key) }))
  return [...deleted, ...present.filter(({ current, previous }) => !isSame(current, previous))]
}

const isSame = (left: KubernetesObject, right: KubernetesObject | undefined): boolean =>
  left.metadata.uid === right?.metadata.uid && left.metadata.resourceVersion === right?.metadata.resourceVersion

const keyOf = (ref: ObjectRef): string => `${ref.namespace ?? ''}/${ref.name}`
