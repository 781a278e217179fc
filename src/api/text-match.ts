import { RE2JS } from 're2js'
import { z } from 'zod'
import { type Rule, withRules } from './rules.ts'

const textSchema = z.string().min(1).max(512)

const kinds = ['exact', 'prefix', 'suffix', 'regex'] as const

export type TextMatch = { readonly [kind in (typeof kinds)[number]]?: string | undefined }

const kindsSet = `[${kinds.map((kind) => `has(self.${kind})`).join(', ')}].filter(isSet, isSet).size()`
const countKinds = (match: TextMatch): number => kinds.filter((kind) => match[kind] !== undefined).length

const oneKind: Rule<TextMatch> = {
  cel: `${kindsSet} == 1`,
  message: 'exactly one of exact, prefix, suffix and regex must be set',
  holds: (match) => countKinds(match) === 1,
}

const atMostOneKind: Rule<TextMatch> = {
  cel: `${kindsSet} <= 1`,
  message: 'at most one of exact, prefix, suffix and regex may be set; none asks for presence',
  holds: (match) => countKinds(match) <= 1,
}

/** Undefined where it is no RE2 expression. */
function compiled(expression: string): RE2JS | undefined {
  try {
    return RE2JS.compile(expression)
  } catch {
    return undefined
  }
}

const plainSchema = z.object({
  exact: textSchema.optional().describe('The whole value.'),
  prefix: textSchema.optional().describe('Beginning of the value.'),
  suffix: textSchema.optional().describe('End of the value.'),
  regex: textSchema
    .refine((expression) => compiled(expression) !== undefined, 'must be an RE2 expression')
    .optional()
    .describe('RE2 expression that meets the whole value.'),
})

export const textMatchSchema = withRules(plainSchema, [oneKind])

export const MAX_NAMES = 16

const byName = <S extends z.ZodType>(schema: S) =>
  z.record(z.string().max(253), schema).meta({ maxProperties: MAX_NAMES })

export const textMatches = byName(textMatchSchema)

/** A name without a condition must be there, whatever its value. */
export const presenceMatches = byName(withRules(plainSchema, [atMostOneKind]))

export const labelMatches = z.record(z.string().max(317), z.string().max(63)).meta({ maxProperties: MAX_NAMES })

/** Whether a value meets the condition; the expressions of a trusted object compile. */
export function meetsText({ exact, prefix, suffix, regex }: TextMatch, value: string): boolean {
  if (exact !== undefined) return value === exact
  if (prefix !== undefined) return value.startsWith(prefix)
  if (suffix !== undefined) return value.endsWith(suffix)
  return regex === undefined || compiled(regex)?.matches(value) === true
}
