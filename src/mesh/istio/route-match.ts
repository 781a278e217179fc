import type { NameMatch, RouteMatch, TextMatch } from '../model/index.ts'
import type { HttpMatchSpec, StringMatchSpec } from './supported.ts'

/** Where a route is read: matches on these are answered here, not by Envoy. */
export interface RouteContext {
  /** `mesh`, or `namespace/name` of the Gateway. */
  readonly gateway: string
  /** Namespace of the VirtualService: the default of gateway names. */
  readonly namespace: string
  readonly port: number
  readonly source: RouteSource
}

/** The workload whose proxy routes. */
export interface RouteSource {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
}

export const gatewayName = (name: string, namespace: string): string =>
  name === 'mesh' || name.includes('/') ? name : `${namespace}/${name}`

export function appliesIn(
  match: Pick<HttpMatchSpec, 'gateways' | 'port' | 'sourceLabels' | 'sourceNamespace'>,
  context: RouteContext,
): boolean {
  const { gateways, port, sourceLabels = {}, sourceNamespace } = match
  if (gateways && !gateways.some((name) => gatewayName(name, context.namespace) === context.gateway)) return false
  if (port !== undefined && port !== context.port) return false
  if (sourceNamespace !== undefined && sourceNamespace !== context.source.namespace) return false
  return Object.entries(sourceLabels).every(([key, value]) => context.source.labels[key] === value)
}

export const matchAll: RouteMatch = { headers: [], queryParameters: [] }

export function readMatch(match: HttpMatchSpec): RouteMatch {
  const path = match.uri && textMatch(match.uri)
  return {
    ...(path === undefined ? {} : { path }),
    ...(match.ignoreUriCase === true ? { ignorePathCase: true } : {}),
    headers: [
      ...pseudoHeader(':method', match.method),
      ...pseudoHeader(':authority', match.authority),
      ...pseudoHeader(':scheme', match.scheme),
      ...nameMatches(match.headers).map((header) => ({ ...header, name: header.name.toLowerCase() })),
      ...nameMatches(match.withoutHeaders).map((header) => ({
        ...header,
        name: header.name.toLowerCase(),
        invert: true,
      })),
    ],
    queryParameters: nameMatches(match.queryParams),
  }
}

export const isMatchAll = (match: RouteMatch): boolean =>
  match.path === undefined && match.headers.length === 0 && match.queryParameters.length === 0

const pseudoHeader = (name: string, match: StringMatchSpec | undefined): readonly NameMatch[] =>
  match === undefined ? [] : [{ name, match: textMatch(match) }]

const nameMatches = (matches: Readonly<Record<string, StringMatchSpec>> = {}): readonly NameMatch[] =>
  Object.entries(matches)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, match]) => ({ name, match: textMatch(match) }))

export function textMatch({ exact, prefix, regex }: StringMatchSpec): TextMatch {
  if (exact !== undefined) return { kind: 'exact', value: exact }
  if (prefix !== undefined) return { kind: 'prefix', value: prefix }
  return regex === undefined ? { kind: 'present' } : { kind: 'regex', value: regex }
}
