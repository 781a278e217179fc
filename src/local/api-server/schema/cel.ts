import { Environment } from '@marcbachmann/cel-js'
import { canonical, isArray, isObject, type Json, type JsonObject, own } from '../json.ts'
import type { Cause } from '../status-error.ts'
import { addKubernetesFunctions } from './cel-functions.ts'
import { isDeclared, listKind, listMapKey, memberSchema, type TypeSchema, type ValidationRule } from './type-schema.ts'

interface Subject {
  readonly value: Json
  /** The value before the write; undefined when there was none or it can not be told which one it was. */
  readonly old: Json | undefined
  readonly path: string
}

const environment = addKubernetesFunctions(
  new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false })
    .registerVariable('self', 'dyn')
    .registerVariable('oldSelf', 'dyn'),
)

type Program = (context: Record<string, unknown>) => unknown
const programs = new Map<string, Program | string>()

/** Compiles a rule; the text of the error when it is not CEL. */
export function compileRule(rule: string): Program | string {
  const known = programs.get(rule)
  if (known !== undefined) return known
  let program: Program | string
  try {
    program = environment.parse(rule)
  } catch (error) {
    program = error instanceof Error ? (error.message.split('\n')[0] ?? 'not CEL') : String(error)
  }
  if (programs.size < 5000) programs.set(rule, program)
  return program
}

/** Evaluates x-kubernetes-validations of the whole tree; transition rules only where there is an old value. */
export function validateRules(value: Json, schema: TypeSchema | undefined, old?: Json, path = ''): readonly Cause[] {
  if (schema === undefined || value === null) return []
  const subject = { value, old: old === null ? undefined : old, path }
  const mine = (schema['x-kubernetes-validations'] ?? []).flatMap((rule) => evaluateRule(rule, schema, subject))
  if (isArray(value)) return [...mine, ...listRules(value, schema, subject)]
  return isObject(value) ? [...mine, ...memberRules(value, schema, subject)] : mine
}

function memberRules(value: JsonObject, schema: TypeSchema, subject: Subject): readonly Cause[] {
  const old = isObject(subject.old) ? subject.old : undefined
  return Object.entries(value).flatMap(([key, child]) => {
    const path = memberPath(subject.path, key, isDeclared(schema, key))
    return validateRules(child, memberSchema(schema, key), own(old, key), path)
  })
}

/** Keys of a map are no names of fields. */
function memberPath(path: string, key: string, isField: boolean): string {
  if (!isField) return `${path}[${key}]`
  return path === '' ? key : `${path}.${key}`
}

function listRules(value: readonly Json[], schema: TypeSchema, subject: Subject): readonly Cause[] {
  const kind = listKind(schema)
  const before = new Map<string, Json>()
  if (kind.kind === 'map' && isArray(subject.old)) {
    for (const item of subject.old) {
      if (isObject(item)) before.set(canonical(listMapKey(item, kind.keys, schema.items)), item)
    }
  }
  return value.flatMap((item, index) => {
    const key = kind.kind === 'map' && isObject(item) ? canonical(listMapKey(item, kind.keys, schema.items)) : undefined
    return validateRules(
      item,
      schema.items,
      key === undefined ? undefined : before.get(key),
      `${subject.path}[${index}]`,
    )
  })
}

function evaluateRule(rule: ValidationRule, schema: TypeSchema, subject: Subject): readonly Cause[] {
  const isTransition = /\boldSelf\b/.test(rule.rule)
  if (isTransition && subject.old === undefined && rule.optionalOldSelf !== true) return []
  const program = compileRule(rule.rule)
  const context: Record<string, unknown> = { self: toCel(subject.value, schema) }
  if (isTransition) context.oldSelf = subject.old === undefined ? null : toCel(subject.old, schema)
  if (typeof program === 'string') return [violation(rule, subject, `rule does not compile: ${program}`)]
  try {
    return program(context) === true ? [] : [violation(rule, subject, messageOfRule(rule, context))]
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error)
    return [violation(rule, subject, `rule evaluation error: ${rule.rule}: ${why}`)]
  }
}

function messageOfRule(rule: ValidationRule, context: Record<string, unknown>): string {
  const fallback = rule.message ?? `failed rule: ${rule.rule.trim()}`
  if (rule.messageExpression === undefined) return fallback
  const program = compileRule(rule.messageExpression)
  if (typeof program === 'string') return fallback
  try {
    const text = program(context)
    return typeof text === 'string' && text.trim() !== '' ? text : fallback
  } catch {
    return fallback
  }
}

const reasons: Readonly<Record<string, string>> = {
  FieldValueInvalid: 'FieldValueInvalid',
  FieldValueForbidden: 'FieldValueForbidden',
  FieldValueRequired: 'FieldValueRequired',
  FieldValueDuplicate: 'FieldValueDuplicate',
}

function violation(rule: ValidationRule, subject: Subject, why: string): Cause {
  const path = `${subject.path}${rule.fieldPath ?? ''}`.replace(/^\./, '')
  const reason = reasons[rule.reason ?? ''] ?? 'FieldValueInvalid'
  const isContainer = isObject(subject.value) || isArray(subject.value)
  const shown = isContainer ? '' : `: ${JSON.stringify(subject.value)}`
  const prefix: Record<string, string> = {
    FieldValueInvalid: `Invalid value${shown}`,
    FieldValueForbidden: 'Forbidden',
    FieldValueRequired: 'Required value',
    FieldValueDuplicate: `Duplicate value${shown}`,
  }
  return { reason, field: path === '' ? '<nil>' : path, message: `${prefix[reason]}: ${why}` }
}

/** JSON as CEL sees it through the schema: integers are int, dates are timestamps, other numbers double. */
function toCel(value: Json, schema: TypeSchema | undefined): unknown {
  if (isArray(value)) return value.map((item) => toCel(item, schema?.items))
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, toCel(child, memberSchema(schema, key))]),
    )
  }
  if (typeof value === 'number') return isIntegral(value, schema) ? BigInt(value) : value
  if (typeof value === 'string' && schema?.format === 'date-time') return new Date(value)
  return value
}

const isIntegral = (value: number, schema: TypeSchema | undefined): boolean =>
  Number.isInteger(value) && schema?.type !== 'number'
