import type { KubernetesObject } from '../api/index.ts'
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
  overlay(object: T): void
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

  const advance = (resourceVersion: string | undefined): void => {
    if (resourceVersion === undefined || isNewer(reached, resourceVersion)) return
    reached = resourceVersion
    for (const [key, object] of overlays) {
      if (!isNewer(object.metadata.resourceVersion, reached)) overlays.delete(key)
    }
  }

  return {
    advance,
    get: (ref) => overlays.get(keyOf(ref)) ?? server.get(keyOf(ref)),
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
      const known = overlays.get(keyOf(object.metadata))
      if (!isNewer(resourceVersion, reached) || !isNewer(resourceVersion, known?.metadata.resourceVersion)) return
      overlays.set(keyOf(object.metadata), object)
    },
    replaceAll(objects, resourceVersion) {
      const former = server
      server = new Map(objects.map((object) => [keyOf(object.metadata), object]))
      // A list may stand before the last one, after the server was restored from a backup: it is the truth all the same.
      reached = undefined
      advance(resourceVersion)
      return changesBetween(former, server)
    },
    set(object) {
      const key = keyOf(object.metadata)
      const previous = server.get(key)
      server.set(key, object)
      advance(object.metadata.resourceVersion)
      return { current: object, previous }
    },
    remove(object) {
      const key = keyOf(object.metadata)
      const previous = server.get(key)
      server.delete(key)
      advance(object.metadata.resourceVersion)
      return { current: undefined, previous }
    },
  }
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
