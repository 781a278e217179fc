import { isArray, isObject, type Json, type JsonObject, own } from '../json.ts'
import { isAtomicMap, listKind, memberSchema, type TypeSchema } from '../schema/type-schema.ts'
import { emptySet, type FieldSet } from './field-set.ts'
import { orderByElement } from './order.ts'
import { fieldElement, itemElement, itemsByElement } from './path-element.ts'

/** Lays an applied configuration over the live object: maps and keyed lists merge, the rest is replaced. */
export function mergeConfiguration(live: Json | undefined, applied: Json, schema: TypeSchema | undefined): Json {
  if (isObject(applied) && isObject(live) && !isAtomicMap(schema)) return mergeObjects(live, applied, schema)
  if (isArray(applied) && isArray(live) && listKind(schema).kind !== 'atomic') return mergeLists(live, applied, schema)
  return applied
}

function mergeObjects(live: JsonObject, applied: JsonObject, schema: TypeSchema | undefined): JsonObject {
  const out: { [key: string]: Json } = { ...live }
  for (const [key, value] of Object.entries(applied)) {
    out[key] = mergeConfiguration(own(live, key), value, memberSchema(schema, key))
  }
  return out
}

function mergeLists(live: readonly Json[], applied: readonly Json[], schema: TypeSchema | undefined): readonly Json[] {
  const kind = listKind(schema)
  const current = itemsByElement(live, kind, schema?.items)
  const wanted = itemsByElement(applied, kind, schema?.items)
  const merged = new Map<string, Json>(current)
  for (const [element, item] of wanted) {
    merged.set(element, mergeConfiguration(current.get(element), item, schema?.items))
  }
  return orderByElement(merged, [...wanted.keys()])
}

/** Removes everything at and under the paths of the set. */
export function removeFields(value: Json, paths: FieldSet, schema: TypeSchema | undefined): Json {
  if (isObject(value)) return removeMembers(value, paths, schema)
  if (!isArray(value)) return value
  const kind = listKind(schema)
  if (kind.kind === 'atomic') return value
  return value.flatMap((item) => {
    const branch = paths.children.get(itemElement(item, kind, schema?.items)) ?? emptySet
    return branch.member ? [] : [removeFields(item, branch, schema?.items)]
  })
}

function removeMembers(value: JsonObject, paths: FieldSet, schema: TypeSchema | undefined): JsonObject {
  const out: { [key: string]: Json } = {}
  for (const [key, child] of Object.entries(value)) {
    const branch = paths.children.get(fieldElement(key)) ?? emptySet
    if (!branch.member) out[key] = removeFields(child, branch, memberSchema(schema, key))
  }
  return out
}
