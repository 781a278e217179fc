import { canonical, deepEqual, isArray, isObject, type Json, type JsonObject, own } from '../json.ts'
import { type Cause, duplicate, required } from '../status-error.ts'
import { isOfType, listKind, listMapKey, memberSchema, type TypeSchema } from './type-schema.ts'
import { checkScalar } from './validate-scalar.ts'

/** The violations of a structural schema, each with its field path, in the words of kube-apiserver. */
export function validateSchema(value: Json, schema: TypeSchema, path = ''): readonly Cause[] {
  if (value === null) {
    if (schema.nullable === true || schema.type === undefined) return []
    return [typeCause(value, schema, path)]
  }
  if (!hasType(value, schema)) return [typeCause(value, schema, path)]
  const own = [...checkEnum(value, schema, path), ...checkScalar(value, schema, path)]
  const inner = isArray(value) ? validateArray(value, schema, path) : []
  const members = isObject(value) ? validateObject(value, schema, path) : []
  return [...own, ...inner, ...members, ...validateLogic(value, schema, path)]
}

const child = (path: string, key: string): string => {
  const segment = /^[A-Za-z0-9_$-]+$/.test(key) ? key : `[${key}]`
  if (path === '') return segment
  return segment.startsWith('[') ? `${path}${segment}` : `${path}.${segment}`
}

const shownPath = (path: string): string => (path === '' ? '<nil>' : path)

function hasType(value: Json, schema: TypeSchema): boolean {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value))
  }
  return isOfType(value, schema.type)
}

function jsonType(value: Json): string {
  if (value === null) return 'null'
  if (isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

function typeCause(value: Json, schema: TypeSchema, path: string): Cause {
  const wanted = schema['x-kubernetes-int-or-string'] === true ? 'integer,string' : (schema.type ?? 'object')
  const got = jsonType(value)
  return {
    reason: 'FieldValueTypeInvalid',
    field: shownPath(path),
    message: `Invalid value: "${got}": ${path} in body must be of type ${wanted}: "${got}"`,
  }
}

function checkEnum(value: Json, schema: TypeSchema, path: string): readonly Cause[] {
  if (schema.enum === undefined || schema.enum.some((one) => deepEqual(one, value))) return []
  return [
    {
      reason: 'FieldValueNotSupported',
      field: shownPath(path),
      message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${schema.enum.map((one) => JSON.stringify(one)).join(', ')}`,
    },
  ]
}

const bound = (reason: string, path: string, message: string): Cause => ({ reason, field: shownPath(path), message })

function validateArray(value: readonly Json[], schema: TypeSchema, path: string): readonly Cause[] {
  const causes: Cause[] = []
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    causes.push(
      bound('FieldValueTooMany', path, `Too many: ${value.length}: must have at most ${schema.maxItems} items`),
    )
  }
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    const why = `Invalid value: ${value.length}: ${path} in body should have at least ${schema.minItems} items`
    causes.push(bound('FieldValueInvalid', path, why))
  }
  const items = schema.items
  if (items !== undefined) {
    causes.push(...value.flatMap((item, index) => validateSchema(item, items, `${path}[${index}]`)))
  }
  return [...causes, ...duplicates(value, schema, path)]
}

function duplicates(value: readonly Json[], schema: TypeSchema, path: string): readonly Cause[] {
  const kind = listKind(schema)
  if (kind.kind === 'atomic') return []
  const seen = new Set<string>()
  return value.flatMap((item, index) => {
    const identity =
      kind.kind === 'map' && isObject(item) ? canonical(listMapKey(item, kind.keys, schema.items)) : canonical(item)
    if (!seen.has(identity)) {
      seen.add(identity)
      return []
    }
    return [duplicate(`${path}[${index}]`, identity)]
  })
}

function validateObject(value: JsonObject, schema: TypeSchema, path: string): readonly Cause[] {
  const missing = (schema.required ?? []).filter((name) => own(value, name) === undefined)
  const causes: Cause[] = missing.map((name) => required(child(path, name)))
  const count = Object.keys(value).length
  if (schema.maxProperties !== undefined && count > schema.maxProperties) {
    const why = `Too many: ${count}: must have at most ${schema.maxProperties} items`
    causes.push(bound('FieldValueTooMany', path, why))
  }
  if (schema.minProperties !== undefined && count < schema.minProperties) {
    const why = `Invalid value: ${count}: ${path} in body should have at least ${schema.minProperties} properties`
    causes.push(bound('FieldValueInvalid', path, why))
  }
  for (const [key, member] of Object.entries(value)) {
    const type = memberSchema(schema, key)
    if (type !== undefined) causes.push(...validateSchema(member, type, child(path, key)))
  }
  return causes
}

function validateLogic(value: Json, schema: TypeSchema, path: string): readonly Cause[] {
  const holds = (one: TypeSchema): boolean => validateSchema(value, one, path).length === 0
  const causes: Cause[] = (schema.allOf ?? []).flatMap((one) => validateSchema(value, one, path))
  const say = (why: string): void => {
    causes.push(bound('FieldValueInvalid', path, `Invalid value: ${JSON.stringify(value)}: ${path} in body ${why}`))
  }
  if (schema.anyOf !== undefined && !schema.anyOf.some(holds)) say('must validate at least one schema (anyOf)')
  if (schema.oneOf !== undefined) {
    const matching = schema.oneOf.filter(holds).length
    if (matching !== 1) say(`must validate one and only one schema (oneOf). Found ${matching || 'none'} valid`)
  }
  if (schema.not !== undefined && holds(schema.not)) say('must not validate the schema (not)')
  return causes
}
