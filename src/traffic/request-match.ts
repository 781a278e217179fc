import {
  type AnalysisMatch,
  type Canary,
  type HttpMatchRequest,
  meetsText,
  type ServiceMatch,
  type StringMatch,
} from '../api/index.ts'

/** Requests that the route takes, and that meet one of the conditions where there are any. */
export function matchOf(
  { spec }: Canary,
  conditions?: readonly HttpMatchRequest[],
): { readonly match?: readonly HttpMatchRequest[] } {
  const served = spec.service.match?.map(renderMatch)
  if (served === undefined || conditions === undefined) {
    const match = conditions ?? served
    return match === undefined ? {} : { match }
  }
  return { match: conditions.flatMap((condition) => served.map((match) => meetBoth(match, condition))) }
}

/** `analysis.match` in Istio's words: one of the items must hold, and all of one item. */
export const renderMatches = (matches: readonly AnalysisMatch[]): readonly HttpMatchRequest[] =>
  matches.map(renderMatch)

/** The requests of the route whose copies may go to the canary. */
export function matchMirrored({ spec }: Canary): { readonly match: readonly HttpMatchRequest[] } {
  const { mirrorMethods } = spec.analysis
  const served = spec.service.match ?? [{}]
  return {
    match: served.flatMap((match: ServiceMatch) => {
      const { method } = match
      const both = mirrorMethods.filter((name) => method === undefined || meetsText(method, name))
      return both.length === 0 ? [] : [{ ...renderMatch(match), method: matchMethods(both) }]
    }),
  }
}

/** Istio's regular expressions match the whole value. */
function matchMethods(methods: readonly string[]): StringMatch {
  const [only, ...others] = methods
  return only !== undefined && others.length === 0 ? { exact: only } : { regex: methods.join('|') }
}

/** Where both ask for the same header, parameter or label, the condition counts. */
function meetBoth(match: HttpMatchRequest, condition: HttpMatchRequest): HttpMatchRequest {
  const names = ['headers', 'withoutHeaders', 'queryParams', 'sourceLabels'] as const
  const merged = names.filter((name) => condition[name] !== undefined)
  return Object.assign(
    { ...match, ...condition },
    ...merged.map((name) => ({ [name]: { ...withoutNames(match[name], condition[name]), ...condition[name] } })),
  )
}

type ByName = Readonly<Record<string, unknown>>

function withoutNames(fields: ByName = {}, taken: ByName = {}): ByName {
  const names = new Set(Object.keys(taken).map((name) => name.toLowerCase()))
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.has(name.toLowerCase())))
}

function renderMatch(match: ServiceMatch): HttpMatchRequest {
  const { uri, scheme, method, authority, headers, withoutHeaders, queryParams, ...plain } = match
  return {
    ...plain,
    ...(uri === undefined ? {} : { uri: renderText(uri) }),
    ...(scheme === undefined ? {} : { scheme: renderText(scheme) }),
    ...(method === undefined ? {} : { method: renderText(method) }),
    ...(authority === undefined ? {} : { authority: renderText(authority) }),
    ...(headers === undefined ? {} : { headers: renderTexts(headers) }),
    ...(withoutHeaders === undefined ? {} : { withoutHeaders: renderTexts(withoutHeaders) }),
    ...(queryParams === undefined ? {} : { queryParams: renderTexts(queryParams) }),
  }
}

type TextMatches = NonNullable<AnalysisMatch['headers']>

const renderTexts = (texts: TextMatches): Readonly<Record<string, StringMatch>> =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, renderText(text)]))

/** Istio knows no suffix; without any condition it asks for presence. */
export function renderText({ exact, prefix, suffix, regex }: TextMatches[string]): StringMatch {
  if (exact !== undefined) return { exact }
  if (prefix !== undefined) return { prefix }
  if (suffix !== undefined) return { regex: `.*${quote(suffix)}` }
  return regex === undefined ? {} : { regex }
}

const quote = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
