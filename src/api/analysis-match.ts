import { z } from 'zod'
import { withRules } from './rules.ts'
import { labelMatches, textMatches } from './text-match.ts'

const isEmpty = (fields: object | undefined): boolean => Object.keys(fields ?? {}).length === 0

/** An item without any condition would mean every request. */
export const analysisMatchSchema = withRules(
  z.object({
    headers: textMatches.optional().describe('Headers by name, all of which must match; cookies are `cookie`.'),
    queryParams: textMatches.optional().describe('Query parameters by name, all of which must match.'),
    sourceLabels: labelMatches.optional().describe('Labels of the pods that call.'),
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
