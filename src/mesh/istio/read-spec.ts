import type { z } from 'zod'
import { failure, type Result, remember, success } from '../../base/index.ts'
import type { Fix } from './diagnostic.ts'
import { didYouMean, isSameWord, nearest } from './nearest.ts'
import { type Path, renderPath } from './path.ts'
import { fieldHint, fieldsAt } from './schema-fields.ts'

/** One thing that is wrong with a spec. */
export interface SpecIssue {
  /** Below `spec`. */
  readonly path: Path
  readonly code: SpecIssueCode
  readonly message: string
  readonly fix?: Fix
}

/** Stable: scripts compare them. */
export type SpecIssueCode =
  | 'UnknownField'
  | 'UnsupportedField'
  | 'MissingField'
  | 'InvalidRegex'
  | 'ZeroWeights'
  | 'InvalidValue'

/** Reads a spec; the failure names every field that stands in the way. `unknown` is said of fields that the schema lacks. */
export function readSpec<Schema extends z.ZodType>(
  schema: Schema,
  spec: unknown,
  unknown = noSuchField,
): Result<z.output<Schema>> {
  const parsed = schema.safeParse(spec, { reportInput: true })
  if (parsed.success) return success(parsed.data)
  return failure(
    issuesOf(parsed.error, schema, unknown)
      .map(({ path, message }) => `${renderPath(['spec', ...path])}: ${message}`)
      .join('; '),
  )
}

/** The same, which reads each object once: specs are never changed in place. */
export function createSpecReader<Schema extends z.ZodType>(
  schema: Schema,
): (spec: unknown) => Result<z.output<Schema>> {
  const read = remember((spec: object) => readSpec(schema, spec))
  return (spec) => (typeof spec === 'object' && spec !== null ? read(spec) : readSpec(schema, spec))
}

export function specIssues(schema: z.ZodType, spec: unknown): readonly SpecIssue[] {
  const parsed = schema.safeParse(spec, { reportInput: true })
  return parsed.success ? [] : issuesOf(parsed.error, schema)
}

const noSuchField = 'there is no such field'

const issuesOf = (error: z.ZodError, schema: z.ZodType, unknown = noSuchField): readonly SpecIssue[] =>
  error.issues.flatMap((issue) => readIssue(issue, schema, unknown))

function readIssue(issue: z.core.$ZodIssue, schema: z.ZodType, unknown: string): readonly SpecIssue[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const to = fieldsAt(schema, path).find((known) => isSameWord(known, key))
      return {
        path: [...path, key],
        code: 'UnknownField',
        message: `${unknown}${fieldHint(schema, path, key)}`,
        ...(to === undefined ? {} : { fix: { kind: 'rename', to } }),
      }
    })
  }
  // A field that is named only to say what to do instead.
  if (issue.code === 'invalid_type' && issue.expected === 'undefined') {
    return [{ path, code: 'UnsupportedField', message: issue.message }]
  }
  const code = codeOf(issue)
  const message = code === 'MissingField' ? absenceMessage(issue) : messageOf(issue, fieldsAt(schema, path))
  const value = meantBy(issue)
  return [{ path, code, message, ...(value === undefined ? {} : { fix: { kind: 'replace', value } }) }]
}

function absenceMessage(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom') return issue.message
  return issue.code === 'invalid_value'
    ? `must be given: one of ${issue.values.map(String).join(', ')}`
    : 'must be given'
}

/** The library's own words are for programmers. */
function messageOf(issue: z.core.$ZodIssue, fields: readonly string[]): string {
  if (issue.code === 'invalid_value') return valueMessage(issue)
  if (!issue.message.startsWith('Invalid input')) return plainMessage(issue)
  return issue.code === 'invalid_type' ? typeMessage(issue, fields) : issue.message
}

function valueMessage({ message, values, input }: z.core.$ZodIssueInvalidValue): string {
  const words = values.map(String)
  const own = /^Invalid (input|option)/.test(message) ? `must be one of ${words.join(', ')}` : message
  return `${own}${didYouMean(typeof input === 'string' ? nearest(input, words) : undefined)}`
}

function typeMessage({ expected, message, input }: z.core.$ZodIssueInvalidType, fields: readonly string[]): string {
  const received = nameOf(message.split('received ')[1] ?? '')
  const hint = input === null ? ': leave the field out or fill it' : rewritten(expected, input)
  const of = fields.length === 0 ? '' : ` (${fields.join(', ')})`
  return `must be ${nameOf(expected)}${of}${received === '' ? '' : `, not ${received}`}${hint}`
}

/** The value that must have been meant. */
function meantBy(issue: z.core.$ZodIssue): string | number | boolean | readonly unknown[] | undefined {
  const { input } = issue
  if (issue.code === 'invalid_value' && typeof input === 'string') {
    return issue.values.map(String).find((word) => isSameWord(word, input))
  }
  if (issue.code !== 'invalid_type') return undefined
  if (issue.expected === 'array') return typeof input === 'string' ? [input] : undefined
  if (issue.expected === 'string') return issue.message.startsWith('Invalid input') ? textFor(input) : undefined
  return typeof input === 'string' && rewritten(issue.expected, input) !== '' ? parsed(input) : undefined
}

const textFor = (input: unknown): string | undefined =>
  typeof input === 'number' || typeof input === 'boolean' ? String(input) : undefined

const parsed = (input: string): number | boolean =>
  input === 'true' || input === 'false' ? input === 'true' : Number(input)

/** The same value, written as what is asked for. */
function rewritten(expected: string, input: unknown): string {
  const isPlain = ['string', 'number', 'boolean'].includes(typeof input)
  if (expected === 'array' && isPlain) return `: write [${JSON.stringify(input)}]`
  if (expected === 'array') return ': begin it with a dash'
  if (expected === 'string' && isPlain) return `: write "${String(input)}" in quotes`
  if (typeof input !== 'string' || input.trim() === '') return ''
  const isNumber = (expected === 'number' || expected === 'int') && Number.isFinite(Number(input))
  const isTruth = expected === 'boolean' && ['true', 'false'].includes(input)
  return isNumber || isTruth ? `: write ${input} without quotes` : ''
}

/** Of bounds. */
function plainMessage(issue: z.core.$ZodIssue): string {
  const { message } = issue
  if (issue.code === 'too_small' && message.startsWith('Too small'))
    return boundMessage('at least', issue.minimum, issue)
  if (issue.code === 'too_big' && message.startsWith('Too big')) return boundMessage('at most', issue.maximum, issue)
  return message
}

function boundMessage(word: string, bound: number | bigint, { origin }: { readonly origin: string }): string {
  if (origin === 'string') return 'must not be empty'
  return origin === 'array' ? `must have ${word} ${bound} entry` : `must be ${word} ${bound}`
}

const names: Readonly<Partial<Record<string, string>>> = {
  ...{ string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false' },
  ...{ object: 'an object', record: 'an object', array: 'a list', null: 'empty' },
}
const nameOf = (type: string): string => names[type] ?? type

const codes = ['InvalidRegex', 'ZeroWeights', 'MissingField', 'UnsupportedField'] as const
const isCode = (value: unknown): value is (typeof codes)[number] => codes.some((code) => code === value)

function codeOf(issue: z.core.$ZodIssue): SpecIssueCode {
  if (issue.code === 'custom' && isCode(issue.params?.code)) return issue.params.code
  const isAbsent = (issue.code === 'invalid_type' || issue.code === 'invalid_value') && issue.input === undefined
  return isAbsent ? 'MissingField' : 'InvalidValue'
}
