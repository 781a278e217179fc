/** Whether two values of plain data (objects, arrays, maps, primitives) say the same; the order of keys does not matter. */
export function isEqual(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true
  if (!isObject(left) || !isObject(right)) return false
  if (Array.isArray(left)) return Array.isArray(right) && areEqualLists(left, right)
  if (left instanceof Map) return right instanceof Map && areEqualLists([...left], [...right])
  return haveEqualFields(left, right)
}

/** Whether two objects have the very same values in the same fields. */
export function isSameRecord(left: object, right: object): boolean {
  const values = Object.entries(right)
  const known = new Map<string, unknown>(Object.entries(left))
  return values.length === known.size && values.every(([key, value]) => known.has(key) && known.get(key) === value)
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

const areEqualLists = (left: readonly unknown[], right: readonly unknown[]): boolean =>
  left.length === right.length && left.every((value, index) => isEqual(value, right[index]))

function haveEqualFields(left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(left)
  if (keys.length !== Object.keys(right).length) return false
  for (const key of keys) if (!(key in right) || !isEqual(left[key], right[key])) return false
  return true
}
