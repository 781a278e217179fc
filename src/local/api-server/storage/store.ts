import { findOrMake } from '../../../base/index.ts'
import { type JsonObject, withAt } from '../json.ts'
import { uidOf } from '../metadata.ts'
import { type Change, createEventLog, type EventLog } from './event-log.ts'

/** What a store starts from and what it is after a restart. */
export interface StoreState {
  readonly revision: number
  readonly objects: Iterable<{ readonly resource: string; readonly key: string; readonly object: JsonObject }>
}

/**
 * All objects by resource and key, with one counter for every change. Everything is synchronous, so a handler that
 * reads and writes without awaiting in between is a transaction.
 */
export interface Store {
  readonly log: EventLog
  revision(): number
  get(resource: string, key: string): JsonObject | undefined
  /** In key order. */
  list(resource: string): readonly JsonObject[]
  all(): Iterable<{ readonly resource: string; readonly key: string; readonly object: JsonObject }>
  byUid(uid: string): { readonly resource: string; readonly key: string; readonly object: JsonObject } | undefined
  /** Writes the object with the next revision and answers what was written. */
  put(resource: string, key: string, object: JsonObject): JsonObject
  /** Deletes; answers the last state with the revision of the deletion. */
  remove(resource: string, key: string): JsonObject | undefined
  /** Called after every change, in order. Answers the way to stop. */
  subscribe(listener: (change: Change) => void): () => void
}

export function createStore(initial: StoreState = { revision: 1, objects: [] }): Store {
  let revision = initial.revision
  const shelves = createShelves()
  const listeners = new Set<(change: Change) => void>()
  const log = createEventLog(initial.revision)
  const announce = (change: Change): void => {
    log.append(change)
    for (const listener of listeners) listener(change)
  }
  for (const { resource, key, object } of initial.objects) shelves.place(resource, key, object)
  return {
    log,
    ...shelves.reading,
    revision: () => revision,
    put(resource, key, object) {
      const previous = shelves.reading.get(resource, key)
      revision += 1
      const written = withAt(object, ['metadata', 'resourceVersion'], String(revision))
      shelves.place(resource, key, written)
      const type = previous === undefined ? 'ADDED' : 'MODIFIED'
      announce({ type, resource, key, revision, object: written, previous })
      return written
    },
    remove(resource, key) {
      const previous = shelves.take(resource, key)
      if (previous === undefined) return undefined
      revision += 1
      const object = withAt(previous, ['metadata', 'resourceVersion'], String(revision))
      announce({ type: 'DELETED', resource, key, revision, object, previous })
      return object
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

interface Shelf {
  readonly objects: Map<string, JsonObject>
  /** Keys in order, until one comes or goes. */
  sorted: readonly string[] | undefined
}

interface Shelves {
  readonly reading: Pick<Store, 'get' | 'list' | 'all' | 'byUid'>
  place(resource: string, key: string, object: JsonObject): void
  take(resource: string, key: string): JsonObject | undefined
}

function createShelves(): Shelves {
  const shelves = new Map<string, Shelf>()
  const uids = new Map<string, { resource: string; key: string }>()
  const get = (resource: string, key: string): JsonObject | undefined => shelves.get(resource)?.objects.get(key)
  return {
    place(resource, key, object) {
      const shelf = findOrMake(shelves, resource, () => ({ objects: new Map(), sorted: undefined }))
      if (!shelf.objects.has(key)) shelf.sorted = undefined
      shelf.objects.set(key, object)
      uids.set(uidOf(object), { resource, key })
    },
    take(resource, key) {
      const shelf = shelves.get(resource)
      const object = shelf?.objects.get(key)
      if (shelf === undefined || object === undefined) return undefined
      shelf.objects.delete(key)
      shelf.sorted = undefined
      uids.delete(uidOf(object))
      return object
    },
    reading: {
      get,
      list: (resource) => listShelf(shelves.get(resource)),
      *all() {
        for (const [resource, shelf] of shelves) {
          for (const [key, object] of shelf.objects) yield { resource, key, object }
        }
      },
      byUid(uid) {
        const where = uids.get(uid)
        const object = where === undefined ? undefined : get(where.resource, where.key)
        return where === undefined || object === undefined ? undefined : { ...where, object }
      },
    },
  }
}

function listShelf(shelf: Shelf | undefined): readonly JsonObject[] {
  if (shelf === undefined) return []
  shelf.sorted ??= [...shelf.objects.keys()].sort()
  return shelf.sorted.map((key) => shelf.objects.get(key)).filter((object) => object !== undefined)
}
