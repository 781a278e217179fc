export type Json = string | number | boolean | null | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isArray = (value: unknown): value is readonly Json[] => Array.isArray(value)

/** An own property only: `constructor` and its like are ordinary keys of user data. */
export const own = (object: JsonObject | undefined, key: string): Json | undefined =>
  object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined

export function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let current: Json | undefined = value
  for (const key of path) {
    if (!isObject(current)) return undefined
    current = own(current, key)
  }
  return current
}

export function objectAt(value: Json | undefined, ...path: readonly string[]): JsonObject | undefined {
  const found = at(value, ...path)
  return isObject(found) ? found : undefined
}

export function arrayAt(value: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const found = at(value, ...path)
  return isArray(found) ? found : []
}

export function stringAt(value: Json | undefined, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path)
  return typeof found === 'string' ? found : undefined
}

export function numberAt(value: Json | undefined, ...path: readonly string[]): number | undefined {
  const found = at(value, ...path)
  return typeof found === 'number' ? found : undefined
}

/** A copy with one value set; objects on the way are made where they are missing. */
export function withAt(object: JsonObject | undefined, path: readonly string[], value: Json): JsonObject {
  const [key, ...rest] = path
  if (key === undefined) return isObject(value) ? value : {}
  if (rest.length === 0) return { ...object, [key]: value }
  return { ...object, [key]: withAt(objectAt(object, key), rest, value) }
}

/** A copy without the value at the path; the same object when nothing is there. */
export function withoutAt(object: JsonObject, path: readonly string[]): JsonObject {
  const [key, ...rest] = path
  if (key === undefined || own(object, key) === undefined) return object
  if (rest.length === 0) return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key))
  const child = objectAt(object, key)
  return child === undefined ? object : { ...object, [key]: withoutAt(child, rest) }
}

export const without = (object: JsonObject, ...keys: readonly string[]): JsonObject =>
  keys.reduce((rest, key) => withoutAt(rest, [key]), object)

/** Members whose value is undefined are left out. */
export function compact(object: { readonly [key: string]: Json | undefined }): JsonObject {
  const out: { [key: string]: Json } = {}
  for (const [key, value] of Object.entries(object)) if (value !== undefined) out[key] = value
  return out
}

export function deepEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (isArray(a) && isArray(b)) return a.length === b.length && a.every((item, index) => deepEqual(item, b[index]))
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => deepEqual(own(a, key), own(b, key)))
}

/** Text with sorted keys: equal values give equal text. */
export function canonical(value: Json | undefined): string {
  if (isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value ?? null)
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(own(value, key))}`)
  return `{${members.join(',')}}`
}

/** True when a key that would reach an object's prototype is anywhere inside. */
export function hasPrototypeKey(value: Json | undefined): boolean {
  if (isArray(value)) return value.some(hasPrototypeKey)
  if (!isObject(value)) return false
  return Object.entries(value).some(([key, child]) => key === '__proto__' || hasPrototypeKey(child))
}
