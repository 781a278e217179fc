import type { Json } from '../json.ts'
import { isArray, isObject } from '../json.ts'
import { memberSchema, type TypeSchema } from './type-schema.ts'

/** The first field whose JSON type a builtin type can not hold, in the words of Go's decoder. */
export function findTypeError(value: Json, schema: TypeSchema | undefined, path = ''): string | undefined {
  if (schema === undefined || value === null) return undefined
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return undefined
  if (!fits(value, schema)) {
    return `json: cannot unmarshal ${goWord(value)} into Go struct field ${path || 'object'} of type ${goType(schema)}`
  }
  if (isArray(value)) return firstOf(value.map((item) => [path, item, schema.items] as const))
  if (!isObject(value)) return undefined
  return firstOf(
    Object.entries(value).map(
      ([key, child]) => [path === '' ? key : `${path}.${key}`, child, memberSchema(schema, key)] as const,
    ),
  )
}

function firstOf(children: readonly (readonly [string, Json, TypeSchema | undefined])[]): string | undefined {
  for (const [path, child, schema] of children) {
    const found = findTypeError(child, schema, path)
    if (found !== undefined) return found
  }
  return undefined
}

function fits(value: Json, schema: TypeSchema): boolean {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return typeof value === 'string' || typeof value === 'number'
  }
  switch (schema.type) {
    case 'object':
      return isObject(value)
    case 'array':
      return isArray(value)
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value)
    case 'number':
      return typeof value === 'number'
    case 'string':
      return typeof value === 'string'
    case 'boolean':
      return typeof value === 'boolean'
    default:
      return true
  }
}

function goWord(value: Json): string {
  if (isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'number' && !Number.isInteger(value) ? `number ${value}` : typeof value
}

function goType(schema: TypeSchema): string {
  if (schema.definition !== undefined) return schema.definition.replace(/^V\d(?=[A-Z])/, 'v1.')
  if (schema.type === 'integer') return schema.format ?? 'int64'
  if (schema.type === 'boolean') return 'bool'
  if (schema.type === 'array') return `[]${schema.items ? goType(schema.items) : 'interface {}'}`
  if (schema.type === 'object') return 'map[string]string'
  return schema.type ?? 'intstr.IntOrString'
}
