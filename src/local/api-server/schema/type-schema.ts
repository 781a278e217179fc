import type { Json, JsonObject } from '../json.ts'
import { isArray, isObject, own } from '../json.ts'

export interface ValidationRule {
  readonly rule: string
  readonly message?: string
  readonly messageExpression?: string
  readonly reason?: string
  readonly fieldPath?: string
  readonly optionalOldSelf?: boolean
}

/**
 * The type of a value: the structural OpenAPI schema of a CRD, and of builtin kinds in the same form.
 * The graph of a builtin type may be cyclic; `definition` names a node that OpenAPI refers to.
 */
export interface TypeSchema {
  readonly definition?: string
  readonly type?: string
  readonly format?: string
  readonly description?: string
  readonly properties?: { readonly [name: string]: TypeSchema }
  readonly additionalProperties?: TypeSchema | boolean
  readonly items?: TypeSchema
  readonly required?: readonly string[]
  readonly default?: Json
  readonly nullable?: boolean
  readonly enum?: readonly Json[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: boolean
  readonly exclusiveMaximum?: boolean
  readonly multipleOf?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly allOf?: readonly TypeSchema[]
  readonly anyOf?: readonly TypeSchema[]
  readonly oneOf?: readonly TypeSchema[]
  readonly not?: TypeSchema
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map'
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular'
  readonly 'x-kubernetes-patch-merge-key'?: string
  readonly 'x-kubernetes-patch-strategy'?: string
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-embedded-resource'?: boolean
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[]
}

/** Whether a value is of a JSON type; of none that is known, everything is. */
export function isOfType(value: Json, type: string | undefined): boolean {
  switch (type) {
    case 'object':
      return isObject(value)
    case 'array':
      return isArray(value)
    case 'integer':
      return Number.isInteger(value)
    case 'number':
    case 'string':
    case 'boolean':
      return typeof value === type
    default:
      return true
  }
}

/** The schema of one member: a declared property, else the type of additional ones. */
export function memberSchema(schema: TypeSchema | undefined, name: string): TypeSchema | undefined {
  const properties = schema?.properties
  if (properties !== undefined && Object.hasOwn(properties, name)) return properties[name]
  const additional = schema?.additionalProperties
  return typeof additional === 'object' ? additional : undefined
}

export const isDeclared = (schema: TypeSchema | undefined, name: string): boolean =>
  schema?.properties !== undefined && Object.hasOwn(schema.properties, name)

export type ListKind =
  | { readonly kind: 'atomic' }
  | { readonly kind: 'set' }
  | { readonly kind: 'map'; readonly keys: readonly string[] }

/** How the items of a list are told apart by server-side apply; atomic where nothing is declared. */
export function listKind(schema: TypeSchema | undefined): ListKind {
  const keys = schema?.['x-kubernetes-list-map-keys'] ?? []
  if (schema?.['x-kubernetes-list-type'] === 'map' && keys.length > 0) return { kind: 'map', keys }
  return schema?.['x-kubernetes-list-type'] === 'set' ? { kind: 'set' } : { kind: 'atomic' }
}

export const isAtomicMap = (schema: TypeSchema | undefined): boolean => schema?.['x-kubernetes-map-type'] === 'atomic'

/** The values of an item's list-map keys; a key that is absent takes its default. */
export function listMapKey(item: JsonObject, keys: readonly string[], schema: TypeSchema | undefined): JsonObject {
  const out: { [key: string]: Json } = {}
  for (const key of [...keys].sort()) {
    const value = own(item, key) ?? memberSchema(schema, key)?.default
    if (value !== undefined) out[key] = value
  }
  return out
}
