import type { z } from 'zod'
import { failure, type Result, success } from '../../base/index.ts'

/** One thing that is wrong with a spec. */
export interface SpecIssue {
  /** Below `spec`. */
  readonly path: readonly (string | number)[]
  readonly code: SpecIssueCode
  readonly message: string
}

/** Stable: scripts compare them. */
export type SpecIssueCode = 'UnsupportedField' | 'MissingField' | 'InvalidRegex' | 'ZeroWeights' | 'InvalidValue'

/** Reads a spec; the failure names every field that stands in the way. */
export function readSpec<Schema extends z.ZodType>(schema: Schema, spec: unknown): Result<z.output<Schema>> {
  const parsed = schema.safeParse(spec)
  if (parsed.success) return success(parsed.data)
  return failure(
    issuesOf(parsed.error)
      .map(({ path, message }) => `${renderPath(['spec', ...path])}: ${message}`)
      .join('; '),
  )
}

export function specIssues(schema: z.ZodType, spec: unknown): readonly SpecIssue[] {
  const parsed = schema.safeParse(spec)
  return parsed.success ? [] : issuesOf(parsed.error)
}

/** `spec.http[0].route` */
export const renderPath = (path: readonly PropertyKey[]): string =>
  path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
    .join('')

const issuesOf = (error: z.ZodError): readonly SpecIssue[] => error.issues.flatMap(readIssue)

function readIssue(issue: z.core.$ZodIssue): readonly SpecIssue[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  if (issue.code === 'unrecognized_keys') {
    const message = 'this mesh does not support the field'
    return issue.keys.map((key) => ({ path: [...path, key], code: 'UnsupportedField', message }))
  }
  // A field that is named only to say what to do instead.
  if (issue.code === 'invalid_type' && issue.expected === 'undefined') {
    return [{ path, code: 'UnsupportedField', message: issue.message }]
  }
  const code = codeOf(issue)
  const isAbsent = code === 'MissingField' && issue.code === 'invalid_type'
  return [{ path, code, message: isAbsent ? 'must be given' : messageOf(issue) }]
}

/** The library's own words are for programmers. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (!/^Invalid (input|option)/.test(issue.message)) return issue.message
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`
  if (issue.code !== 'invalid_type') return issue.message
  const received = issue.message.split('received ')[1]
  return `must be ${nameOf(issue.expected)}${received === undefined ? '' : `, not ${nameOf(received)}`}`
}

const names: Readonly<Partial<Record<string, string>>> = {
  ...{ string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false' },
  ...{ object: 'an object', record: 'an object', array: 'a list' },
}
const nameOf = (type: string): string => names[type] ?? type

const isCode = (value: unknown): value is 'InvalidRegex' | 'ZeroWeights' | 'MissingField' | 'UnsupportedField' =>
  value === 'InvalidRegex' || value === 'ZeroWeights' || value === 'MissingField' || value === 'UnsupportedField'

function codeOf(issue: z.core.$ZodIssue): SpecIssueCode {
  if (issue.code === 'custom' && isCode(issue.params?.code)) return issue.params.code
  return issue.code === 'invalid_type' && issue.message.endsWith('received undefined') ? 'MissingField' : 'InvalidValue'
}
