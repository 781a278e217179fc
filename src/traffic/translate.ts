import {
  apiVersionOf,
  type Canary,
  type HttpMatchRequest,
  type HttpRoute,
  type VirtualService,
  virtualServiceKind,
} from '../api/index.ts'
import { isSameJson } from '../base/index.ts'
import { marksOf } from './ownership.ts'
import type { Traffic } from './port.ts'
import { renderMatches } from './request-match.ts'
import { type ServiceNames, serviceNamesOf } from './service-names.ts'
import { matchCookie, setCookie } from './session-cookie.ts'

const MIRRORED_RULE = 'mirrored'
const MATCHED_RULE = 'matched'
const KEPT_RULE = 'kept'
export const SPLIT_RULE = 'split'

/** The VirtualService of a Canary: fields of ours replaced, everybody else's kept. */
export function renderVirtualService(
  canary: Canary,
  traffic: Traffic,
  existing: VirtualService | undefined,
): VirtualService {
  const names = serviceNamesOf(canary)
  const spec = { ...existing?.spec, ...renderSpec(canary, traffic, existing?.spec.http ?? []) }
  if (existing) return { ...existing, spec }
  return {
    apiVersion: apiVersionOf(virtualServiceKind),
    kind: virtualServiceKind.kind,
    metadata: {
      name: names.apex,
      ...(canary.metadata.namespace === undefined ? {} : { namespace: canary.metadata.namespace }),
      annotations: marksOf(canary),
    },
    spec,
  }
}

function renderSpec(canary: Canary, traffic: Traffic, existing: readonly HttpRoute[]): VirtualService['spec'] {
  const { service } = canary.spec
  const { apex } = serviceNamesOf(canary)
  const hosts = service.hosts ?? []
  const isNamed = hosts.includes(apex) || hosts.includes('*')
  const http = renderRules(canary, traffic).map((rule) => keepForeignFields(rule, existing))
  return {
    hosts: isNamed ? hosts : [...hosts, apex],
    gateways: service.gateways && service.gateways.length > 0 ? service.gateways : ['mesh'],
    http,
  }
}

/**
 * What somebody added to a rule of ours (CORS, headers) stays, and holds for a new rule beside it; what we no longer
 * want of our own fields goes.
 */
export function keepForeignFields(rule: HttpRoute, existing: readonly HttpRoute[]): HttpRoute {
  const named = (wanted: string | undefined) => existing.find(({ name }) => name !== undefined && name === wanted)
  const former = named(rule.name) ?? named(SPLIT_RULE)
  if (former === undefined) return rule
  const { match: _1, route: _2, mirror: _3, mirrorPercentage: _4, timeout: _5, retries: _6, ...foreign } = former
  return { ...foreign, ...rule }
}

function renderRules(canary: Canary, traffic: Traffic): readonly HttpRoute[] {
  if (traffic.matching) return renderMatching(canary, traffic)
  const split = renderSplit(canary, traffic)
  if (traffic.mirror === 0) return [...renderKept(canary, traffic), { name: SPLIT_RULE, ...split }]
  const mirrored: HttpRoute = {
    name: MIRRORED_RULE,
    match: [{ method: matchMethods(canary.spec.analysis.mirrorMethods) }],
    ...split,
    mirror: { host: serviceNamesOf(canary).canary },
    mirrorPercentage: { value: traffic.mirror },
  }
  return [mirrored, { name: SPLIT_RULE, ...split }]
}

/** Whoever holds a cookie of this release stays with the version that gave it. */
function renderKept(canary: Canary, { session }: Traffic): readonly HttpRoute[] {
  if (session === undefined) return []
  return (['canary', 'primary'] as const).flatMap((version) => {
    const match = matchCookie(canary, version, session)
    if (match === undefined) return []
    const shares = version === 'canary' ? everybody : nobody
    return [{ name: `${KEPT_RULE}-${version}`, match: [match], ...renderSplit(canary, shares) }]
  })
}

/** Whoever matches is split by the shares; everybody else stays with the primary. */
const renderMatching = (canary: Canary, traffic: Traffic): readonly HttpRoute[] => [
  { name: MATCHED_RULE, match: renderMatches(canary.spec.analysis.match ?? []), ...renderSplit(canary, traffic) },
  { name: SPLIT_RULE, ...renderSplit(canary, nobody) },
]

const nobody: Traffic = { primary: 100, canary: 0, mirror: 0 }
const everybody: Traffic = { primary: 0, canary: 100, mirror: 0 }

/** Istio's regular expressions match the whole value. */
function matchMethods(methods: readonly string[]): NonNullable<HttpMatchRequest['method']> {
  const [only, ...others] = methods
  return only !== undefined && others.length === 0 ? { exact: only } : { regex: methods.join('|') }
}

function renderSplit(canary: Canary, traffic: Traffic): Omit<HttpRoute, 'name'> {
  const names = serviceNamesOf(canary)
  return {
    // A weight of 0 is written too: a cluster that is gone and comes back costs its connections.
    route: [
      { destination: { host: names.primary }, weight: traffic.primary, ...renderCookie(canary, 'primary', traffic) },
      { destination: { host: names.canary }, weight: traffic.canary, ...renderCookie(canary, 'canary', traffic) },
    ],
    ...renderLimits(canary),
  }
}

function renderCookie(canary: Canary, version: 'primary' | 'canary', { session }: Traffic) {
  const cookie = session === undefined ? undefined : setCookie(canary, version, session)
  return cookie === undefined ? {} : { headers: { response: { add: { 'Set-Cookie': cookie } } } }
}

export function renderLimits({ spec }: Canary): Pick<HttpRoute, 'timeout' | 'retries'> {
  const { timeout, retries } = spec.service
  return {
    ...(timeout === undefined ? {} : { timeout }),
    ...(retries === undefined ? {} : { retries: renderRetries(retries) }),
  }
}

function renderRetries({
  attempts,
  perTryTimeout,
  retryOn,
}: NonNullable<Canary['spec']['service']['retries']>): NonNullable<HttpRoute['retries']> {
  return {
    attempts,
    ...(perTryTimeout === undefined ? {} : { perTryTimeout }),
    ...(retryOn === undefined ? {} : { retryOn }),
  }
}

/** The shares that a VirtualService gives; undefined for one that is not split in our way. */
export function readTraffic(virtualService: VirtualService, names: ServiceNames): Traffic | undefined {
  const rules = virtualService.spec.http ?? []
  const split = readShares(rules.at(-1), names)
  const matched = rules.find(({ name }) => name === MATCHED_RULE)
  if (split === undefined || matched === undefined) {
    return split && { ...split, mirror: readMirror(rules, names), ...readSession(rules.at(-1), names) }
  }
  const shares = readShares(matched, names)
  return split.canary === 0 && shares ? { ...shares, mirror: 0, matching: true } : undefined
}

function readShares(rule: HttpRoute | undefined, names: ServiceNames): Omit<Traffic, 'mirror'> | undefined {
  const primary = weightTo(rule, names.primary)
  const canary = weightTo(rule, names.canary)
  return primary === undefined || canary === undefined || primary + canary !== 100 ? undefined : { primary, canary }
}

/** The value of the cookie that the new version gives. */
function readSession(rule: HttpRoute | undefined, names: ServiceNames): Pick<Traffic, 'session'> {
  const given = rule?.route?.find(({ destination }) => destination.host === names.canary)?.headers?.response?.add
  const session = /^[^=]+=([^;]+);/.exec(given?.['Set-Cookie'] ?? '')?.[1]
  return session === undefined ? {} : { session }
}

function readMirror(rules: readonly HttpRoute[], names: ServiceNames): number {
  const mirrored = rules.find(({ mirror }) => mirror?.host === names.canary)
  return mirrored === undefined ? 0 : (mirrored.mirrorPercentage?.value ?? 100)
}

const weightTo = (rule: HttpRoute | undefined, host: string): number | undefined =>
  rule?.route?.find(({ destination }) => destination.host === host)?.weight

/** Nothing of the object would be written anew. */
export const isAsRendered = (canary: Canary, traffic: Traffic, existing: VirtualService): boolean =>
  isSameJson(renderVirtualService(canary, traffic, existing).spec, existing.spec)
