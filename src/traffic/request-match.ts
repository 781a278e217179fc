import type { AnalysisMatch, HttpMatchRequest, StringMatch } from '../api/index.ts'

/** `analysis.match` in Istio's words: one of the items must hold, and all of one item. */
export const renderMatches = (matches: readonly AnalysisMatch[]): readonly HttpMatchRequest[] =>
  matches.map(({ headers, queryParams, sourceLabels }) => ({
    ...(headers === undefined ? {} : { headers: renderTexts(headers) }),
    ...(queryParams === undefined ? {} : { queryParams: renderTexts(queryParams) }),
    ...(sourceLabels === undefined ? {} : { sourceLabels }),
  }))

type TextMatches = NonNullable<AnalysisMatch['headers']>

const renderTexts = (texts: TextMatches): Readonly<Record<string, StringMatch>> =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, renderText(text)]))

/** Istio knows no suffix. */
function renderText({ exact, prefix, suffix, regex }: TextMatches[string]): StringMatch {
  if (exact !== undefined) return { exact }
  if (prefix !== undefined) return { prefix }
  return { regex: suffix === undefined ? (regex ?? '') : `.*${quote(suffix)}` }
}

const quote = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
