import { arrayAt, isObject, type Json, type JsonObject, objectAt, stringAt } from './json.ts'
import { stringMap, strings } from './metadata.ts'
import { labelValueError, qualifiedNameError } from './names.ts'
import { badRequest } from './status-error.ts'

export type Operator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'GreaterThan' | 'LessThan'

export interface Requirement {
  readonly key: string
  readonly operator: Operator
  readonly values: readonly string[]
}

type Labels = Readonly<Record<string, string>>

export const matchesSelector = (selector: readonly Requirement[], labels: Labels): boolean =>
  selector.every((requirement) => matchesRequirement(requirement, labels))

function matchesRequirement({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  const first = Number(values[0])
  switch (operator) {
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'GreaterThan':
      return value !== undefined && Number(value) > first
    case 'LessThan':
      return value !== undefined && Number(value) < first
  }
}

/** The text form of a query: `a=b,c!=d,e in (f,g),h,!i,j>1`. */
export function parseSelectorText(text: string): readonly Requirement[] {
  return splitOutsideParentheses(text)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseRequirement)
}

function splitOutsideParentheses(text: string): readonly string[] {
  const parts: string[] = ['']
  let depth = 0
  for (const character of text) {
    if (character === '(') depth += 1
    if (character === ')') depth -= 1
    if (character === ',' && depth === 0) parts.push('')
    else parts[parts.length - 1] += character
  }
  return parts
}

const comparisons: Readonly<Record<string, Operator>> = {
  '=': 'In',
  '==': 'In',
  '!=': 'NotIn',
  '>': 'GreaterThan',
  '<': 'LessThan',
}

function parseRequirement(part: string): Requirement {
  const stray = /^[^\s!=<>]+\s+(?!in\b|notin\b)([^\s=!<>]+)/.exec(part)?.[1]
  if (stray !== undefined) {
    throw badRequest(`unable to parse requirement: found '${stray}', expected: in, notin, =, ==, !=, gt, lt`)
  }
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part)
  if (set) {
    const values = (set[3] ?? '').split(',').map((value) => value.trim())
    return checked({ key: set[1] ?? '', operator: set[2] === 'in' ? 'In' : 'NotIn', values }, part)
  }
  const comparison = /^([^\s=!<>]+)\s*(==|!=|=|>|<)\s*([^\s=!<>]*)$/.exec(part)
  if (comparison) {
    const operator = comparisons[comparison[2] ?? ''] ?? 'In'
    return checked({ key: comparison[1] ?? '', operator, values: [comparison[3] ?? ''] }, part)
  }
  if (part.startsWith('!')) return checked({ key: part.slice(1).trim(), operator: 'DoesNotExist', values: [] }, part)
  return checked({ key: part, operator: 'Exists', values: [] }, part)
}

function checked(requirement: Requirement, part: string): Requirement {
  const error =
    qualifiedNameError(requirement.key) ?? requirement.values.map(labelValueError).find((one) => one !== undefined)
  if (error !== undefined) throw badRequest(`unable to parse requirement: ${JSON.stringify(part)}: ${error}`)
  return requirement
}

/** The object form: matchLabels and matchExpressions. */
export function parseLabelSelector(selector: JsonObject): readonly Requirement[] {
  const labels = Object.entries(stringMap(objectAt(selector, 'matchLabels')))
  const expressions = arrayAt(selector, 'matchExpressions').filter(isObject)
  return [
    ...labels.map(([key, value]): Requirement => ({ key, operator: 'In', values: [value] })),
    ...expressions.map(
      (one): Requirement => ({
        key: stringAt(one, 'key') ?? '',
        operator: operatorOf(stringAt(one, 'operator')),
        values: strings(one.values),
      }),
    ),
  ]
}

const operators: readonly Operator[] = ['In', 'NotIn', 'Exists', 'DoesNotExist']
const operatorOf = (text: string | undefined): Operator => operators.find((one) => one === text) ?? 'In'

const signs: Readonly<Record<Operator, (key: string, values: readonly string[]) => string>> = {
  In: (key, values) => (values.length === 1 ? `${key}=${values[0]}` : `${key} in (${[...values].sort().join(',')})`),
  NotIn: (key, values) => `${key} notin (${[...values].sort().join(',')})`,
  Exists: (key) => key,
  DoesNotExist: (key) => `!${key}`,
  GreaterThan: (key, values) => `${key}>${values[0]}`,
  LessThan: (key, values) => `${key}<${values[0]}`,
}

/** The object form as text, as status.selector of a Scale has it. */
export const renderLabelSelector = (selector: JsonObject): string =>
  [...parseLabelSelector(selector)]
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map((one) => signs[one.operator](one.key, one.values))
    .join(',')

export interface FieldRequirement {
  readonly field: string
  readonly equal: boolean
  readonly value: string
}

const common = ['metadata.name', 'metadata.namespace']

export function parseFieldSelector(text: string, supported: readonly string[]): readonly FieldRequirement[] {
  return text
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(part.trim())
      if (!match) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`)
      const field = match[1] ?? ''
      if (!common.includes(field) && !supported.includes(field)) throw badRequest(`field label not supported: ${field}`)
      return { field, equal: match[2] !== '!=', value: match[3] ?? '' }
    })
}

export const matchesFields = (selector: readonly FieldRequirement[], object: JsonObject): boolean =>
  selector.every((one) => (fieldText(object, one.field) === one.value) === one.equal)

function fieldText(object: JsonObject, field: string): string {
  let value: Json | undefined = object
  const path = field === 'source' ? ['source', 'component'] : field.split('.')
  for (const key of path) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return field === 'spec.unschedulable' ? 'false' : ''
  return typeof value === 'object' ? '' : String(value)
}
