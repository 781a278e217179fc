import { createHash } from 'node:crypto'
import type { ApiRequest, ApiResponse } from '../http/request.ts'
import { compact, type Json, type JsonObject } from '../json.ts'
import { type ApiResource, groupVersionOf } from '../kinds/resource.ts'
import type { Platform } from '../platform.ts'
import { pathNotFound } from '../status-error.ts'

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const reviews: readonly (readonly [string, string, string, boolean])[] = [
  ['authorization.k8s.io', 'selfsubjectaccessreviews', 'SelfSubjectAccessReview', false],
  ['authorization.k8s.io', 'selfsubjectrulesreviews', 'SelfSubjectRulesReview', false],
  ['authorization.k8s.io', 'subjectaccessreviews', 'SubjectAccessReview', false],
  ['authorization.k8s.io', 'localsubjectaccessreviews', 'LocalSubjectAccessReview', true],
  ['authentication.k8s.io', 'selfsubjectreviews', 'SelfSubjectReview', false],
  ['authentication.k8s.io', 'tokenreviews', 'TokenReview', false],
]

/** One entry of a discovery document, of a stored resource or of a review that is only created. */
interface Entry {
  readonly group: string
  readonly version: string
  readonly name: string
  readonly kind: string
  readonly namespaced: boolean
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly verbs: readonly string[]
  readonly subresources: readonly {
    readonly name: string
    readonly kind: string
    readonly group: string
    readonly version: string
    readonly verbs: readonly string[]
  }[]
}

function entriesOf(platform: Platform): readonly Entry[] {
  const stored = platform.registry.all().map(toEntry)
  const created = reviews.map(([group, name, kind, namespaced]) => ({
    group,
    version: 'v1',
    name,
    kind,
    namespaced,
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    verbs: ['create'],
    subresources: [],
  }))
  return [...stored, ...created]
}

function toEntry(resource: ApiResource): Entry {
  const { group, version, kind } = resource
  const write = ['get', 'patch', 'update']
  const isPod = resource.storage === '/pods'
  return {
    group,
    version,
    name: resource.plural,
    kind,
    namespaced: resource.namespaced,
    singular: resource.singular,
    shortNames: resource.shortNames,
    categories: resource.categories,
    verbs,
    subresources: [
      ...(resource.hasStatus ? [{ name: 'status', kind, group, version, verbs: write }] : []),
      ...(resource.scale ? [{ name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: write }] : []),
      ...(isPod ? [{ name: 'log', kind: 'Pod', group, version, verbs: ['get'] }] : []),
      ...(isPod ? [{ name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] }] : []),
      ...(isPod ? [{ name: 'binding', kind: 'Binding', group: '', version: 'v1', verbs: ['create'] }] : []),
    ],
  }
}

/** `/api`, `/apis` and the lists below them, in the classic and in the aggregated form. */
export function serveDiscovery(platform: Platform, request: ApiRequest): ApiResponse {
  const parts = request.path.split('/').filter((part) => part !== '')
  const [root, first, second] = parts
  const entries = entriesOf(platform)
  if (parts.length === 1) {
    const isCore = root === 'api'
    const aggregated = aggregatedVersion(request.accept)
    if (aggregated !== undefined) return cached(request, aggregatedList(entries, isCore, aggregated), aggregated)
    return cached(request, isCore ? coreVersions() : groupList(entries))
  }
  if (root === 'api' && first === 'v1' && parts.length === 2) return cached(request, resourceList(entries, '', 'v1'))
  if (root === 'apis' && first !== undefined && parts.length === 2) return cached(request, oneGroup(entries, first))
  if (root === 'apis' && first !== undefined && second !== undefined)
    return cached(request, resourceList(entries, first, second))
  throw pathNotFound()
}

const aggregatedVersion = (accept: string): string | undefined =>
  ['v2', 'v2beta1'].find((version) => accept.includes(`g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`))

function cached(request: ApiRequest, body: JsonObject, aggregated?: string): ApiResponse {
  const etag = `"${createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 32)}"`
  const type =
    aggregated === undefined
      ? 'application/json'
      : `application/json;g=apidiscovery.k8s.io;v=${aggregated};as=APIGroupDiscoveryList`
  const headers = { ETag: etag, Vary: 'Accept', 'Cache-Control': 'public', 'Content-Type': type }
  const code = request.ifNoneMatch === etag ? 304 : 200
  return { kind: 'json', code, body, headers }
}

const coreVersions = (): JsonObject => ({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] })

const groupsOf = (entries: readonly Entry[]): ReadonlyMap<string, readonly string[]> => {
  const groups = new Map<string, string[]>()
  for (const { group, version } of entries) {
    const versions = groups.get(group) ?? []
    groups.set(group, versions)
    if (!versions.includes(version)) versions.push(version)
  }
  for (const versions of groups.values()) versions.sort(byMaturity)
  return groups
}

/** v2 before v1 before v1beta1 before v1alpha1. */
function byMaturity(a: string, b: string): number {
  const rank = (text: string): readonly number[] => {
    const [, major, stage, minor] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(text) ?? []
    const stages = new Map([
      ['alpha', 0],
      ['beta', 1],
    ])
    return [stage === undefined ? 2 : (stages.get(stage) ?? 0), Number(major ?? 0), Number(minor ?? 0)]
  }
  const [x, y] = [rank(a), rank(b)]
  const index = x.findIndex((value, position) => value !== y[position])
  return index < 0 ? 0 : (y[index] ?? 0) - (x[index] ?? 0)
}

function groupObject(group: string, versions: readonly string[]): JsonObject {
  const rendered = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }))
  return { name: group, versions: rendered, preferredVersion: rendered[0] ?? {} }
}

function groupList(entries: readonly Entry[]): JsonObject {
  const groups = [...groupsOf(entries)].filter(([group]) => group !== '')
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: groups.map(([group, versions]) => groupObject(group, versions)),
  }
}

function oneGroup(entries: readonly Entry[], group: string): JsonObject {
  const versions = groupsOf(entries).get(group)
  if (versions === undefined || group === '') throw pathNotFound()
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupObject(group, versions) }
}

function resourceList(entries: readonly Entry[], group: string, version: string): JsonObject {
  const mine = entries.filter((entry) => entry.group === group && entry.version === version)
  if (mine.length === 0) throw pathNotFound()
  const resources = mine.flatMap((entry): Json[] => [
    compact({
      name: entry.name,
      singularName: entry.singular,
      namespaced: entry.namespaced,
      kind: entry.kind,
      verbs: entry.verbs,
      shortNames: entry.shortNames.length === 0 ? undefined : entry.shortNames,
      categories: entry.categories.length === 0 ? undefined : entry.categories,
    }),
    ...entry.subresources.map((sub) =>
      compact({
        name: `${entry.name}/${sub.name}`,
        singularName: '',
        namespaced: entry.namespaced,
        group: sub.group === entry.group ? undefined : sub.group,
        version: sub.group === entry.group ? undefined : sub.version,
        kind: sub.kind,
        verbs: sub.verbs,
      }),
    ),
  ])
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: groupVersionOf({ group, version }), resources }
}

function aggregatedList(entries: readonly Entry[], isCore: boolean, version: string): JsonObject {
  const groups = [...groupsOf(entries)].filter(([group]) => (group === '') === isCore)
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(([group, versions]) => ({
      metadata: { name: group, creationTimestamp: null },
      versions: versions.map((one) => ({
        version: one,
        freshness: 'Current',
        resources: entries.filter((entry) => entry.group === group && entry.version === one).map(aggregatedEntry),
      })),
    })),
  }
}

const aggregatedEntry = (entry: Entry): JsonObject => ({
  resource: entry.name,
  responseKind: { group: entry.group, version: entry.version, kind: entry.kind },
  scope: entry.namespaced ? 'Namespaced' : 'Cluster',
  singularResource: entry.singular,
  verbs: entry.verbs,
  shortNames: entry.shortNames,
  categories: entry.categories,
  subresources: entry.subresources.map((sub) => ({
    subresource: sub.name,
    responseKind: { group: sub.group, version: sub.version, kind: sub.kind },
    verbs: sub.verbs,
  })),
})
