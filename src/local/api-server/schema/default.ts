import type { Json, JsonObject } from '../json.ts'
import { isArray, isObject, own } from '../json.ts'
import { memberSchema, type TypeSchema } from './type-schema.ts'

/** Fills the defaults of a structural schema; null of a field that is not nullable counts as absent. */
export function applyDefaults(value: Json, schema: TypeSchema | undefined): Json {
  if (schema === undefined) return value
  if (isArray(value)) {
    const items = schema.items
    return items === undefined ? value : value.map((item) => applyDefaults(item, items))
  }
  return isObject(value) ? defaultObject(value, schema) : value
}

function defaultObject(value: JsonObject, schema: TypeSchema): JsonObject {
  const out: { [key: string]: Json } = { ...value }
  for (const [key, property] of Object.entries(schema.properties ?? {})) fillMember(out, key, property)
  for (const [key, child] of Object.entries(out)) out[key] = applyDefaults(child, memberSchema(schema, key))
  return out
}

function fillMember(out: { [key: string]: Json }, key: string, property: TypeSchema): void {
  const current = own(out, key)
  const isNull = current === null && property.nullable !== true
  if (current !== undefined && !isNull) return
  if (property.default !== undefined) out[key] = property.default
  else if (isNull) delete out[key]
}
