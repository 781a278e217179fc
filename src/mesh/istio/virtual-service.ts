import type { VirtualService } from '../../api/index.ts'
import { canonicalJson, findOrMake, parseDuration, remember } from '../../base/index.ts'
import {
  type Fault,
  type Finding,
  type HashKey,
  keyText,
  type Mirror,
  type ObjectKey,
  type Retries,
  type Route,
  type WeightedCluster,
} from '../model/index.ts'
import { readCors } from './cors.ts'
import { type DestinationContext, resolveDestination } from './destinations.ts'
import { resolveHost } from './hosts.ts'
import { byAge, keyOf } from './object-key.ts'
import { createSpecReader } from './read-spec.ts'
import { readAnswer, readHeaders, readRewrite } from './route-edits.ts'
import { appliesIn, gatewayName, isMatchAll, matchAll, type RouteContext, readMatch } from './route-match.ts'
import {
  type DestinationSpec,
  type HttpMatchSpec,
  type HttpRouteSpec,
  type VirtualServiceSpec,
  virtualServiceSpec,
} from './supported.ts'
import { grpcStatuses } from './supported-words.ts'

/** A VirtualService that was read. */
export interface RouteRules {
  readonly key: ObjectKey
  readonly namespace: string
  /** Full names. */
  readonly hosts: readonly string[]
  /** `mesh` or `namespace/name`. */
  readonly gateways: readonly string[]
  readonly exportTo: readonly string[]
  readonly http: VirtualServiceSpec['http']
  readonly tcp: VirtualServiceSpec['tcp']
  /** True when the routes depend on the workload that asks. */
  readonly dependsOnSource: boolean
  /** Names of the workload's labels that they look at. */
  readonly sourceLabels: readonly string[]
}

/** Oldest first. */
export function readVirtualServices(objects: readonly VirtualService[]): {
  readonly rules: readonly RouteRules[]
  readonly findings: readonly Finding[]
} {
  const rules: RouteRules[] = []
  const findings: Finding[] = []
  for (const object of objects.toSorted(byAge)) {
    const read = readVirtualService(object.spec)
    if (read.ok) rules.push(rulesOf(object, read.value))
    else findings.push({ object: keyOf(object), reason: 'Invalid', message: read.error })
  }
  return { rules, findings }
}

const readVirtualService = createSpecReader(virtualServiceSpec)

/** Of an object that says what it said before the very same ones. */
function rulesOf(object: VirtualService, spec: VirtualServiceSpec): RouteRules {
  const key = keyOf(object)
  return findOrMake(rulesOfSpec(spec), keyText(key), () => makeRules(key, spec))
}

const rulesOfSpec = remember((_: VirtualServiceSpec) => new Map<string, RouteRules>())

function makeRules(key: ObjectKey, spec: VirtualServiceSpec): RouteRules {
  const { namespace } = key
  return {
    key,
    namespace,
    hosts: spec.hosts.map((host) => resolveHost(host, namespace)),
    gateways: (spec.gateways ?? ['mesh']).map((name) => gatewayName(name, namespace)),
    exportTo: spec.exportTo,
    http: spec.http,
    tcp: spec.tcp,
    ...sourcesIn([...spec.http, ...spec.tcp].flatMap(({ match = [] }) => match)),
  }
}

const sourcesIn = (
  matches: readonly Pick<HttpMatchSpec, 'sourceLabels' | 'sourceNamespace'>[],
): Pick<RouteRules, 'dependsOnSource' | 'sourceLabels'> => ({
  dependsOnSource: matches.some(
    ({ sourceLabels, sourceNamespace }) => sourceLabels !== undefined || sourceNamespace !== undefined,
  ),
  sourceLabels: matches.flatMap(({ sourceLabels = {} }) => Object.keys(sourceLabels)),
})

export type DestinationCatalog = Pick<DestinationContext, 'services' | 'policies'>

/** The routes of the rules at one place, in declared order; nothing follows a route that takes everything. */
export function buildRoutes(
  rules: RouteRules,
  context: RouteContext,
  catalog: DestinationCatalog,
): { readonly routes: readonly Route[]; readonly problems: readonly string[] } {
  const routes: Route[] = []
  const problems: string[] = []
  for (const [index, http] of rules.http.entries()) {
    const matches = http.match?.length
      ? http.match
          .filter((match) => appliesIn(match, context))
          .map((match) => ({ name: routeName(http.name, match.name), match: readMatch(match) }))
      : [{ name: routeName(http.name), match: matchAll }]
    if (matches.length === 0) continue
    const action = buildAction(http, { ...catalog, namespace: rules.namespace, port: context.port })
    problems.push(...action.problems.map((problem) => `spec.http[${index}]: ${problem}`))
    for (const { name, match } of matches) {
      routes.push({ name, origin: rules.key, match, ...action.value })
      if (isMatchAll(match)) return { routes, problems }
    }
  }
  return { routes, problems }
}

/** Istio's: `rule.match`. */
const routeName = (...names: readonly (string | undefined)[]): string =>
  names.filter((name) => name !== undefined && name !== '').join('.') || 'default'

type Action = Pick<
  Route,
  'clusters' | 'answer' | 'mirrors' | 'hashKeys' | 'timeoutMs' | 'retries' | 'fault' | 'headers' | 'rewrite' | 'cors'
>

function buildAction(
  http: HttpRouteSpec,
  context: DestinationContext,
): { readonly value: Action; readonly problems: readonly string[] } {
  const fault = buildFault(http.fault)
  const edits = {
    ...(fault === undefined ? {} : { fault }),
    ...readHeaders(http.headers),
    ...readRewrite(http.rewrite),
    ...readCors(http.corsPolicy),
  }
  const answer = readAnswer(http)
  if (answer !== undefined) return { value: { clusters: [], answer, ...edits }, problems: [] }
  const problems: string[] = []
  const hashKeys = new Map<string, HashKey>()
  const resolve = (destination: DestinationSpec): string | undefined => {
    const resolved = resolveDestination(destination, context)
    if (resolved.ok) {
      const { cluster, hashKey } = resolved.value
      if (hashKey !== undefined) hashKeys.set(canonicalJson(hashKey), hashKey)
      return cluster
    }
    problems.push(resolved.error)
    return undefined
  }
  const clusters = http.route.map(({ destination, weight, headers }): WeightedCluster => {
    // Istio does not look at the weight of an only destination.
    return {
      cluster: resolve(destination),
      weight: http.route.length === 1 ? 1 : (weight ?? 0),
      ...readHeaders(headers),
    }
  })
  const mirrors = buildMirrors(http, resolve)
  const retries = buildRetries(http.retries)
  const timeoutMs = milliseconds(http.timeout)
  const value = {
    clusters,
    ...(mirrors.length === 0 ? {} : { mirrors }),
    ...(hashKeys.size === 0 ? {} : { hashKeys: [...hashKeys.values()] }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(retries === undefined ? {} : { retries }),
    ...edits,
  }
  return { value, problems }
}

function buildMirrors(
  { mirror, mirrorPercentage, mirrors }: HttpRouteSpec,
  resolve: (destination: DestinationSpec) => string | undefined,
): readonly Mirror[] {
  const single = mirror === undefined ? [] : [{ destination: mirror, percentage: mirrorPercentage }]
  return [...single, ...mirrors]
    .map(({ destination, percentage }) => ({ destination, percent: percentage?.value ?? 100 }))
    .filter(({ percent }) => percent > 0)
    .map(({ destination, percent }) => ({ cluster: resolve(destination), percent }))
}

function buildFault(spec: HttpRouteSpec['fault']): Fault | undefined {
  const delayed = spec?.delay?.percentage?.value ?? 0
  const aborted = spec?.abort?.percentage?.value ?? 0
  const durationMs = milliseconds(spec?.delay?.fixedDelay)
  const answer = readAbort(spec?.abort)
  const fault = {
    ...(delayed === 0 || durationMs === undefined ? {} : { delay: { percent: delayed, durationMs } }),
    ...(aborted === 0 || answer === undefined ? {} : { abort: { percent: aborted, ...answer } }),
  }
  return Object.keys(fault).length === 0 ? undefined : fault
}

function readAbort(spec: NonNullable<HttpRouteSpec['fault']>['abort']) {
  if (spec?.httpStatus !== undefined) return { status: spec.httpStatus }
  return spec?.grpcStatus === undefined ? undefined : { grpcStatus: grpcStatuses.indexOf(spec.grpcStatus) }
}

/** What Istio does where a route says nothing of retries. */
export const defaultRetries: Retries = {
  attempts: 2,
  retryOn: ['connect-failure', 'refused-stream', 'unavailable', 'cancelled', 'retriable-status-codes'],
  statusCodes: [],
}

function buildRetries(retries: HttpRouteSpec['retries']): Retries | undefined {
  if (retries === undefined) return defaultRetries
  if (retries.attempts === 0) return undefined
  const words = (retries.retryOn ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
  const statusCodes = words.filter((word) => /^\d+$/.test(word)).map(Number)
  const named = words.filter((word) => !/^\d+$/.test(word))
  const perTryTimeoutMs = milliseconds(retries.perTryTimeout)
  const backOffMs = milliseconds(retries.backoff)
  return {
    attempts: retries.attempts,
    ...(perTryTimeoutMs === undefined ? {} : { perTryTimeoutMs }),
    retryOn: words.length === 0 ? defaultRetries.retryOn : withStatusWord(named, statusCodes),
    statusCodes,
    ...(retries.retryRemoteLocalities === true ? { remoteLocalities: true } : {}),
    ...(backOffMs === undefined ? {} : { backOffMs }),
    ...(retries.retryIgnorePreviousHosts === false ? { mayAskSameHost: true } : {}),
  }
}

const withStatusWord = (words: readonly string[], statusCodes: readonly number[]): readonly string[] =>
  statusCodes.length > 0 ? [...new Set([...words, 'retriable-status-codes'])] : words

function milliseconds(duration: string | undefined): number | undefined {
  if (duration === undefined) return undefined
  const parsed = parseDuration(duration)
  return parsed.ok && parsed.value > 0 ? parsed.value : undefined
}
