import { deepEqual, isArray, isObject, type Json, type JsonObject, own } from '../json.ts'
import { memberSchema, type TypeSchema } from '../schema/type-schema.ts'
import { badRequest } from '../status-error.ts'
import { orderList } from './element-order.ts'

const ORDER = '$setElementOrder/'
const DELETE_FROM = '$deleteFromPrimitiveList/'
const directives = new Set(['$patch', '$retainKeys'])

const isDirective = (key: string): boolean =>
  directives.has(key) || key.startsWith(ORDER) || key.startsWith(DELETE_FROM)

/** Kubernetes' strategic merge: lists of builtin types merge by the keys that their Go types declare. */
export function strategicMergePatch(target: JsonObject, patch: JsonObject, schema: TypeSchema): JsonObject {
  return mergeObject(target, patch, schema)
}

function mergeObject(target: JsonObject | undefined, patch: JsonObject, schema: TypeSchema | undefined): JsonObject {
  const directive = own(patch, '$patch')
  if (directive === 'delete') return {}
  if (directive === 'replace') return withoutDirectives(patch)
  if (directive !== undefined && directive !== 'merge')
    throw badRequest(`unknown $patch directive ${String(directive)}`)
  const out: { [key: string]: Json } = { ...retained(target, patch) }
  for (const [key, value] of Object.entries(patch)) {
    if (isDirective(key)) continue
    const merged = mergeMember(own(out, key), value, memberSchema(schema, key))
    if (merged === undefined) delete out[key]
    else out[key] = merged
  }
  return withListDirectives(out, patch, schema)
}

function retained(target: JsonObject | undefined, patch: JsonObject): JsonObject {
  const keep = own(patch, '$retainKeys')
  if (!isArray(keep) || target === undefined) return target ?? {}
  return Object.fromEntries(Object.entries(target).filter(([key]) => keep.includes(key)))
}

function mergeMember(current: Json | undefined, value: Json, schema: TypeSchema | undefined): Json | undefined {
  if (value === null) return undefined
  if (isObject(value)) {
    if (own(value, '$patch') === 'delete') return undefined
    return mergeObject(isObject(current) ? current : undefined, value, schema)
  }
  if (!isArray(value)) return value
  const strategies = (schema?.['x-kubernetes-patch-strategy'] ?? '').split(',')
  if (!strategies.includes('merge')) return value.map(cleaned)
  const before = isArray(current) ? current : []
  const mergeKey = schema?.['x-kubernetes-patch-merge-key']
  return mergeKey === undefined ? mergePrimitives(before, value) : mergeList(before, value, { mergeKey, schema })
}

const mergePrimitives = (before: readonly Json[], added: readonly Json[]): readonly Json[] => [
  ...before,
  ...added.filter((item, index) => !before.includes(item) && added.indexOf(item) === index),
]

interface KeyedList {
  readonly mergeKey: string
  readonly schema: TypeSchema | undefined
}

function mergeList(before: readonly Json[], patch: readonly Json[], list: KeyedList): readonly Json[] {
  if (patch.some((item) => at(item, '$patch') === 'replace')) {
    return patch.filter((item) => at(item, '$patch') !== 'replace').map(cleaned)
  }
  let out = before
  for (const item of patch) {
    if (!isObject(item)) throw badRequest(`an item of a list merged by ${list.mergeKey} must be an object`)
    const key = own(item, list.mergeKey)
    if (key === undefined)
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${list.mergeKey}`)
    out = mergeItem(out, item, { ...list, key })
  }
  return out
}

function mergeItem(
  items: readonly Json[],
  patch: JsonObject,
  list: KeyedList & { readonly key: Json },
): readonly Json[] {
  const isSame = (item: Json): boolean => deepEqual(at(item, list.mergeKey), list.key)
  if (own(patch, '$patch') === 'delete') return items.filter((item) => !isSame(item))
  const index = items.findIndex(isSame)
  if (index < 0) return [...items, mergeObject(undefined, patch, list.schema?.items)]
  return items.map((item, position) =>
    position === index ? mergeObject(isObject(item) ? item : undefined, patch, list.schema?.items) : item,
  )
}

const at = (item: Json, key: string): Json | undefined => (isObject(item) ? own(item, key) : undefined)

function withListDirectives(merged: JsonObject, patch: JsonObject, schema: TypeSchema | undefined): JsonObject {
  const out: { [key: string]: Json } = { ...merged }
  for (const [key, value] of Object.entries(patch)) {
    const [directive, field] = [key.slice(0, key.indexOf('/') + 1), key.slice(key.indexOf('/') + 1)]
    const list = own(out, field)
    if (!isArray(value) || !isArray(list)) continue
    const mergeKey = memberSchema(schema, field)?.['x-kubernetes-patch-merge-key']
    if (directive === DELETE_FROM) out[field] = list.filter((item) => !value.includes(item))
    if (directive === ORDER) out[field] = orderList(list, value, mergeKey)
  }
  return out
}

const cleaned = (value: Json): Json => {
  if (isArray(value)) return value.map(cleaned)
  return isObject(value) ? withoutDirectives(value) : value
}

function withoutDirectives(value: JsonObject): JsonObject {
  const out: { [key: string]: Json } = {}
  for (const [key, child] of Object.entries(value)) {
    if (!isDirective(key) && child !== null) out[key] = cleaned(child)
  }
  return out
}
