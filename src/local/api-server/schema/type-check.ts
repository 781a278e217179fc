import type { Json } from '../json.ts'
import { isArray, isObject } from '../json.ts'
import { isDeclared, isOfType, memberSchema, type TypeSchema } from './type-schema.ts'

/** The first field whose JSON type a builtin type can not hold, in the words of Go's decoder. */
export const findTypeError = (value: Json, schema: TypeSchema): string | undefined =>
  visit(value, schema, { path: '', struct: schema.definition ?? '' })

interface Place {
  readonly path: string
  /** The innermost struct: Go's decoder names the field by it. */
  readonly struct: string
}

function visit(value: Json, schema: TypeSchema | undefined, place: Place): string | undefined {
  if (schema === undefined || value === null) return undefined
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return undefined
  if (!fits(value, schema)) {
    const field = `${goName(place.struct)}.${place.path}`
    return `json: cannot unmarshal ${goWord(value)} into Go struct field ${field} of type ${goType(schema)}`
  }
  if (isArray(value)) return firstError(value.map((item) => visit(item, schema.items, place)))
  if (!isObject(value)) return undefined
  return firstError(
    Object.entries(value).map(([key, child]) => visit(child, memberSchema(schema, key), inside(place, schema, key))),
  )
}

const firstError = (errors: readonly (string | undefined)[]): string | undefined =>
  errors.find((error) => error !== undefined)

function inside(place: Place, schema: TypeSchema, key: string): Place {
  if (!isDeclared(schema, key)) return place
  return { path: place.path === '' ? key : `${place.path}.${key}`, struct: schema.definition ?? place.struct }
}

const goName = (definition: string): string => definition.replace(/^[A-Z]?[a-z]*V\d(?=[A-Z])/, '')

function fits(value: Json, schema: TypeSchema): boolean {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return typeof value === 'string' || typeof value === 'number'
  }
  return isOfType(value, schema.type)
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
