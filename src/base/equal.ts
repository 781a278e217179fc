/** Whether two values of plain data (objects, arrays, maps, primitives) say the same; the order of keys does not matter. */
export function isEqual(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true
  if (!isObject(left) || !isObject(right)) return false
  if (Array.isArray(left)) return Array.isArray(right) && areEqualLists(left, right)
  if (left instanceof Map) return right instanceof Map && areEqualLists([...left], [...right])
  return haveEqualFields(left, right)
}

/** Whether two values are written as the same JSON: a field that is undefined counts as absent. */
export function isSameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true
  // Alone and in lists, undefined is written as null.
  if (!isObject(left) || !isObject(right)) return (left ?? null) === (right ?? null)
  if (Array.isArray(left)) return Array.isArray(right) && areSameLists(left, right)
  return !Array.isArray(right) && haveSameFields(left, right)
}

/** Whether two objects have the very same values in the same fields. */
export function isSameRecord(left: object, right: object): boolean {
  if (!(isObject(left) && isObject(right))) return false
  const keys = Object.keys(right)
  if (keys.length !== Object.keys(left).length) return false
  for (const key of keys) if (!Object.hasOwn(left, key) || left[key] !== right[key]) return false
  return true
}

/** Whether two lists have the very same members in the same order. */
export function isSameList(left: readonly unknown[], right: readonly unknown[]): boolean {
  if (left === right) return true
  return left.length === right.length && left.every((member, index) => member === right[index])
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

const areEqualLists = (left: readonly unknown[], right: readonly unknown[]): boolean =>
  left.length === right.length && left.every((value, index) => isEqual(value, right[index]))

const areSameLists = (left: readonly unknown[], right: readonly unknown[]): boolean =>
  left.length === right.length && left.every((value, index) => isSameJson(value, right[index]))

function haveSameFields(left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>): boolean {
  for (const key of Object.keys(left)) if (!isSameField(left[key], ownField(right, key))) return false
  for (const key of Object.keys(right)) if (!Object.hasOwn(left, key) && right[key] !== undefined) return false
  return true
}

const ownField = (record: Readonly<Record<string, unknown>>, key: string): unknown =>
  Object.hasOwn(record, key) ? record[key] : undefined

const isSameField = (left: unknown, right: unknown): boolean =>
  left === undefined || right === undefined ? left === right : isSameJson(left, right)

function haveEqualFields(left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(left)
  if (keys.length !== Object.keys(right).length) return false
  for (const key of keys) if (!(key in right) || !isEqual(left[key], right[key])) return false
  return true
}
