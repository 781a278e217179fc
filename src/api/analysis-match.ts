import { RE2JS } from 're2js'
import { z } from 'zod'
import { type Rule, withRules } from './rules.ts'

const textSchema = z.string().min(1).max(512)

const kinds = ['exact', 'prefix', 'suffix', 'regex'] as const

type Text = { readonly [kind in (typeof kinds)[number]]?: string | undefined }

const oneKind: Rule<Text> = {
  cel: `[${kinds.map((kind) => `has(self.${kind})`).join(', ')}].filter(isSet, isSet).size() == 1`,
  message: 'exactly one of exact, prefix, suffix and regex must be set',
  holds: (match) => kinds.filter((kind) => match[kind] !== undefined).length === 1,
}

function isRegularExpression(expression: string): boolean {
  try {
    return RE2JS.compile(expression) !== undefined
  } catch {
    return false
  }
}

const textMatchSchema = withRules(
  z.object({
    exact: textSchema.optional().describe('The whole value.'),
    prefix: textSchema.optional().describe('Beginning of the value.'),
    suffix: textSchema.optional().describe('End of the value.'),
    regex: textSchema
      .refine(isRegularExpression, 'must be an RE2 expression')
      .optional()
      .describe('RE2 expression that meets the whole value.'),
  }),
  [oneKind],
)

const MAX_NAMES = 16

const textMatches = z.record(z.string().max(253), textMatchSchema).meta({ maxProperties: MAX_NAMES })

const isEmpty = (fields: object | undefined): boolean => Object.keys(fields ?? {}).length === 0

/** An item without any condition would mean every request. */
export const analysisMatchSchema = withRules(
  z.object({
    headers: textMatches.optional().describe('Headers by name, all of which must match; cookies are `cookie`.'),
    queryParams: textMatches.optional().describe('Query parameters by name, all of which must match.'),
    sourceLabels: z
      .record(z.string().max(317), z.string().max(63))
      .meta({ maxProperties: MAX_NAMES })
      .optional()
      .describe('Labels of the pods that call.'),
  }),
  [
    {
      cel: '(has(self.headers) && self.headers.size() > 0) || (has(self.queryParams) && self.queryParams.size() > 0) || (has(self.sourceLabels) && self.sourceLabels.size() > 0)',
      message: 'headers, queryParams or sourceLabels must say which requests match',
      holds: ({ headers, queryParams, sourceLabels }) =>
        !isEmpty(headers) || !isEmpty(queryParams) || !isEmpty(sourceLabels),
    },
  ],
)

export type AnalysisMatch = z.output<typeof analysisMatchSchema>
