import {
  apiVersionOf,
  type Canary,
  type HttpRoute,
  movesConnections,
  type VirtualService,
  virtualServiceKind,
} from '../api/index.ts'
import { isSameJson } from '../base/index.ts'
import { isConnectionSplit, splitConnections } from './connections.ts'
import { destinationOf } from './destination.ts'
import { adopt, marksOf, placeBeside } from './ownership.ts'
import type { Traffic } from './port.ts'
import { matchMirrored, matchOf, renderMatches } from './request-match.ts'
import { keepForeignFields, SPLIT_RULE, withRouteFields } from './route-fields.ts'
import { renderPolicies } from './route-policies.ts'
import { type ServiceNames, serviceNamesOf } from './service-names.ts'
import { matchCookie, setCookie } from './session-cookie.ts'

const MIRRORED_RULE = 'mirrored'
const MATCHED_RULE = 'matched'
const KEPT_RULE = 'kept'

/** The VirtualService of a Canary: fields of ours replaced, everybody else's kept. */
export function renderVirtualService(
  canary: Canary,
  traffic: Traffic,
  existing: VirtualService | undefined,
): VirtualService {
  const names = serviceNamesOf(canary)
  const spec = { ...renderReach(canary), ...renderRoutes(canary, traffic, existing) }
  if (existing) return { ...existing, metadata: withRouteFields(adopt(existing, canary).metadata, canary), spec }
  const metadata = { ...placeBeside(canary, names.apex), annotations: marksOf(canary) }
  return {
    apiVersion: apiVersionOf(virtualServiceKind),
    kind: virtualServiceKind.kind,
    metadata: withRouteFields(metadata, canary),
    spec,
  }
}

/** All that is routed: requests by rules of ours, or connections by one; somebody else's of the other kind stay. */
function renderRoutes(canary: Canary, traffic: Traffic, existing: VirtualService | undefined) {
  const former: VirtualService['spec'] = existing?.spec ?? { hosts: [] }
  const { hosts: _1, gateways: _2, http: _3, tcp, ...others } = former
  if (movesConnections(canary.spec.service)) return { ...others, tcp: [splitConnections(canary, traffic)] }
  const kept = tcp?.filter((route) => !isConnectionSplit(canary, route))
  const http = keepForeignFields(renderRules(canary, traffic), existing)
  return { ...others, http, ...(kept === undefined ? {} : { tcp: kept }) }
}

/** A delegate has neither: they are those of the VirtualService that delegates to it. */
function renderReach(canary: Canary): Pick<VirtualService['spec'], 'hosts' | 'gateways'> {
  const { delegation, hosts = [], gateways = [] } = canary.spec.service
  if (delegation) return { hosts: [], gateways: [] }
  const { apex } = serviceNamesOf(canary)
  const isNamed = hosts.includes(apex) || hosts.includes('*')
  return { hosts: isNamed ? hosts : [...hosts, apex], gateways: gateways.length > 0 ? gateways : ['mesh'] }
}

function renderRules(canary: Canary, traffic: Traffic): readonly HttpRoute[] {
  if (traffic.matching) return renderMatching(canary, traffic)
  const split = renderSplit(canary, traffic)
  if (traffic.mirror === 0) return [...renderKept(canary, traffic), { name: SPLIT_RULE, ...split }]
  const mirrored: HttpRoute = {
    name: MIRRORED_RULE,
    ...split,
    ...matchMirrored(canary),
    mirror: destinationOf(canary, serviceNamesOf(canary).canary),
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
    return [{ name: `${KEPT_RULE}-${version}`, ...renderSplit(canary, shares), ...matchOf(canary, [match]) }]
  })
}

/** Whoever matches is split by the shares; everybody else stays with the primary. */
const renderMatching = (canary: Canary, traffic: Traffic): readonly HttpRoute[] => [
  {
    name: MATCHED_RULE,
    ...renderSplit(canary, traffic),
    ...matchOf(canary, renderMatches(canary.spec.analysis.match ?? [])),
  },
  { name: SPLIT_RULE, ...renderSplit(canary, nobody) },
]

const nobody: Traffic = { primary: 100, canary: 0, mirror: 0 }
const everybody: Traffic = { primary: 0, canary: 100, mirror: 0 }

function renderSplit(canary: Canary, traffic: Traffic): Omit<HttpRoute, 'name'> {
  const names = serviceNamesOf(canary)
  return {
    ...matchOf(canary),
    // A weight of 0 is written too: a cluster that is gone and comes back costs its connections.
    route: [
      {
        destination: destinationOf(canary, names.primary),
        weight: traffic.primary,
        ...renderCookie(canary, 'primary', traffic),
      },
      {
        destination: destinationOf(canary, names.canary),
        weight: traffic.canary,
        ...renderCookie(canary, 'canary', traffic),
      },
    ],
    ...renderPolicies(canary),
  }
}

function renderCookie(canary: Canary, version: 'primary' | 'canary', { session }: Traffic) {
  const cookie = session === undefined ? undefined : setCookie(canary, version, session)
  return cookie === undefined ? {} : { headers: { response: { add: { 'Set-Cookie': cookie } } } }
}

/** The shares that a VirtualService gives; undefined for one that is not split in our way. */
export function readTraffic(virtualService: VirtualService, names: ServiceNames): Traffic | undefined {
  const { http: rules = [], tcp = [] } = virtualService.spec
  const split = readShares(rules.at(-1) ?? tcp.at(-1), names)
  const matched = rules.find(({ name }) => name === MATCHED_RULE)
  if (split === undefined || matched === undefined) {
    return split && { ...split, mirror: readMirror(rules, names), ...readSession(rules.at(-1), names) }
  }
  const shares = readShares(matched, names)
  return split.canary === 0 && shares ? { ...shares, mirror: 0, matching: true } : undefined
}

type Split = Pick<HttpRoute, 'route'> | undefined

function readShares(rule: Split, names: ServiceNames): Omit<Traffic, 'mirror'> | undefined {
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

const weightTo = (rule: Split, host: string): number | undefined =>
  rule?.route?.find(({ destination }) => destination.host === host)?.weight

/** Nothing of the object would be written anew. */
export const isAsRendered = (canary: Canary, traffic: Traffic, existing: VirtualService): boolean =>
  isSameJson(renderVirtualService(canary, traffic, existing), existing)
