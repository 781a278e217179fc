import { isArray, isObject, type Json, type JsonObject } from '../json.ts'
import { canonicalQuantity } from './quantity.ts'
import { memberSchema, type TypeSchema } from './type-schema.ts'

/** What Go writes where nothing is: these fields are not marked as ones that may be left out. */
const writtenWhenEmpty: Readonly<Record<string, JsonObject>> = {
  V1EndpointSlice: { endpoints: null, ports: null },
  V1Endpoint: { conditions: {} },
}

/**
 * A builtin object as Go would write it after reading it: null is absent, so are optional maps and lists that are
 * empty, and quantities have one spelling.
 */
export function canonicalForm(value: JsonObject, schema: TypeSchema | undefined): JsonObject {
  const out: { [key: string]: Json } = {}
  for (const [key, child] of Object.entries(value)) {
    const type = memberSchema(schema, key)
    if (child === null || (isOmitted(child, type) && schema?.required?.includes(key) !== true)) continue
    out[key] = canonicalValue(child, type)
  }
  return { ...writtenWhenEmpty[schema?.definition ?? ''], ...out }
}

export const isWrittenWhenEmpty = (schema: TypeSchema | undefined, key: string): boolean =>
  Object.hasOwn(writtenWhenEmpty[schema?.definition ?? ''] ?? {}, key)

function canonicalValue(value: Json, schema: TypeSchema | undefined): Json {
  if (isArray(value)) return value.map((item) => canonicalValue(item, schema?.items))
  if (schema?.format === 'quantity') return canonicalQuantity(value)
  if (schema?.['x-kubernetes-preserve-unknown-fields'] === true) return value
  return isObject(value) ? canonicalForm(value, schema) : value
}

function isOmitted(value: Json, schema: TypeSchema | undefined): boolean {
  if (isArray(value)) return value.length === 0
  return isObject(value) && Object.keys(value).length === 0 && schema?.additionalProperties !== undefined
}
