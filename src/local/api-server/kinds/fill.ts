import { isArray, isObject, type Json, type JsonObject, objectAt, own, withAt } from '../json.ts'

/** Sets members that are absent. */
export function fill(object: JsonObject, defaults: { readonly [key: string]: Json | undefined }): JsonObject {
  const out: { [key: string]: Json } = { ...object }
  for (const [key, value] of Object.entries(defaults)) {
    const current = own(object, key)
    if (value !== undefined && (current === undefined || current === null)) out[key] = value
  }
  return out
}

/** Replaces the object at a path by a function of it; where there is none, nothing happens. */
export function mapAt(
  object: JsonObject,
  path: readonly string[],
  change: (value: JsonObject) => JsonObject,
): JsonObject {
  const found = objectAt(object, ...path)
  return found === undefined ? object : withAt(object, path, change(found))
}

/** Replaces each object of the list at a key. */
export function mapItems(object: JsonObject, key: string, change: (item: JsonObject) => JsonObject): JsonObject {
  const list = own(object, key)
  if (!isArray(list)) return object
  return { ...object, [key]: list.map((item) => (isObject(item) ? change(item) : item)) }
}
