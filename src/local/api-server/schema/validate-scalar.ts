import { RE2JS } from 're2js'
import type { Json } from '../json.ts'
import type { Cause } from '../status-error.ts'
import type { TypeSchema } from './type-schema.ts'

/** Bounds, patterns and formats of numbers and strings. */
export function checkScalar(value: Json, schema: TypeSchema, path: string): readonly Cause[] {
  if (typeof value === 'number') return checkNumber(value, schema, path)
  return typeof value === 'string' ? checkString(value, schema, path) : []
}

const cause = (path: string, value: Json, why: string, reason = 'FieldValueInvalid'): Cause => ({
  reason,
  field: path === '' ? '<nil>' : path,
  message: `Invalid value: ${JSON.stringify(value)}: ${path} in body ${why}`,
})

function checkNumber(value: number, schema: TypeSchema, path: string): readonly Cause[] {
  const causes: Cause[] = []
  const { minimum, maximum, multipleOf, format } = schema
  const tooSmall = minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum)
  const tooLarge = maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum)
  const equal = (exclusive: boolean | undefined): string => (exclusive === true ? '' : ' or equal to')
  if (tooSmall) causes.push(cause(path, value, `should be greater than${equal(schema.exclusiveMinimum)} ${minimum}`))
  if (tooLarge) causes.push(cause(path, value, `should be less than${equal(schema.exclusiveMaximum)} ${maximum}`))
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
    causes.push(cause(path, value, `should be a multiple of ${multipleOf}`))
  }
  if (format === 'int32' && Math.abs(value) > 2 ** 31) causes.push(cause(path, value, 'must be of type int32'))
  return causes
}

function checkString(value: string, schema: TypeSchema, path: string): readonly Cause[] {
  const causes: Cause[] = []
  const field = path === '' ? '<nil>' : path
  const length = [...value].length
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    const message = `Too long: may not be more than ${schema.maxLength} bytes`
    causes.push({ reason: 'FieldValueTooLong', field, message })
  }
  if (schema.minLength !== undefined && length < schema.minLength) {
    causes.push(cause(path, value, `should be at least ${schema.minLength} chars long`))
  }
  if (schema.pattern !== undefined && !compiled(schema.pattern).matcher(value).find()) {
    causes.push(cause(path, value, `should match '${schema.pattern}'`))
  }
  const format = schema.format === undefined ? undefined : formats[schema.format]
  if (format !== undefined && !format(value)) {
    causes.push(cause(path, value, `must be of type ${schema.format}: ${JSON.stringify(value)}`))
  }
  return causes
}

const patterns = new Map<string, RE2JS>()

/** RE2, as Go's: a pattern of a CRD can not make matching slow. */
export function compiled(pattern: string): RE2JS {
  const known = patterns.get(pattern)
  if (known !== undefined) return known
  const made = RE2JS.compile(pattern)
  if (patterns.size < 1000) patterns.set(pattern, made)
  return made
}

const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

const formats: Readonly<Record<string, (value: string) => boolean>> = {
  'date-time': (value) => RFC3339.test(value) && !Number.isNaN(Date.parse(value)),
  date: (value) => /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value)),
  ipv4: (value) => IPV4.test(value),
  uuid: (value) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(value),
  uri: (value) => URL.canParse(value) || value.startsWith('/'),
  byte: (value) => /^[A-Za-z0-9+/]*={0,2}$/.test(value) && value.length % 4 === 0,
  duration: (value) =>
    value === '0' || /^[+-]?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d|w|min|hours?|days?|weeks?) ?)+$/.test(value),
}
