import { findOrMake } from '../base/index.ts'

/** What an object is found by. */
export type NamesOf<T> = (object: T) => readonly string[]

/** Ways to find objects by what they name, without looking at all of them. */
export interface ObjectIndexes<T> {
  /** A new way, which knows the objects of these keys. */
  add(namesOf: NamesOf<T>, keys: Iterable<string>): (name: string) => readonly T[]
  /** The object of this key may be another one now, or gone. */
  update(key: string): void
}

export function createObjectIndexes<T>(read: (key: string) => T | undefined): ObjectIndexes<T> {
  const indexes: ObjectIndex<T>[] = []
  return {
    add(namesOf, keys) {
      const index = createObjectIndex(namesOf)
      indexes.push(index)
      for (const key of keys) index.update(key, read(key))
      return index.find
    },
    update(key) {
      for (const index of indexes) index.update(key, read(key))
    },
  }
}

interface ObjectIndex<T> {
  update(key: string, object: T | undefined): void
  find(name: string): readonly T[]
}

function createObjectIndex<T>(namesOf: NamesOf<T>): ObjectIndex<T> {
  const byName = new Map<string, Map<string, T>>()
  const namesByKey = new Map<string, readonly string[]>()

  const forget = (key: string, kept: readonly string[]): void => {
    for (const name of namesByKey.get(key) ?? []) {
      if (kept.includes(name)) continue
      const objects = byName.get(name)
      objects?.delete(key)
      if (objects?.size === 0) byName.delete(name)
    }
    namesByKey.delete(key)
  }

  return {
    update(key, object) {
      const names = object === undefined ? [] : namesOf(object)
      forget(key, names)
      if (object === undefined || names.length === 0) return
      namesByKey.set(key, names)
      for (const name of names) findOrMake(byName, name, () => new Map<string, T>()).set(key, object)
    },
    find: (name) => [...(byName.get(name)?.values() ?? [])],
  }
}
