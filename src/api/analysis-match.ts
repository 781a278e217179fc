import { z } from 'zod'
import { requestConditions, singleConditions } from './request-conditions.ts'
import { withRules } from './rules.ts'
import { labelMatches, textMatches } from './text-match.ts'

const isEmpty = (fields: object | undefined): boolean => Object.keys(fields ?? {}).length === 0

const mapConditions = ['headers', 'withoutHeaders', 'queryParams', 'sourceLabels'] as const

/** An item without any condition would mean every request. */
export const analysisMatchSchema = withRules(
  z.object({
    ...requestConditions,
    headers: textMatches.optional().describe('Headers by name, all of which must match; cookies are `cookie`.'),
    queryParams: textMatches.optional().describe('Query parameters by name, all of which must match.'),
    sourceLabels: labelMatches.optional().describe('Labels of the pods that call.'),
  }),
  [
    {
      cel: [
        ...mapConditions.map((name) => `(has(self.${name}) && self.${name}.size() > 0)`),
        ...singleConditions.map((name) => `has(self.${name})`),
      ].join(' || '),
      message: 'must say which requests match: those of the route all would',
      holds: (match) =>
        mapConditions.some((name) => !isEmpty(match[name])) ||
        singleConditions.some((name) => match[name] !== undefined),
    },
  ],
)

export type AnalysisMatch = z.output<typeof analysisMatchSchema>
