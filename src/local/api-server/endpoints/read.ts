import { type ApiRequest, type ApiResponse, json } from '../http/request.ts'
import { compact, type JsonObject, without } from '../json.ts'
import { type ApiResource, groupVersionOf } from '../kinds/resource.ts'
import { labelsOf, nameOf, namespaceOf } from '../metadata.ts'
import type { NamedTarget, Platform, Target } from '../platform.ts'
import { matchesFields, matchesSelector, parseFieldSelector, parseSelectorText } from '../selectors.ts'
import { badRequest, expired, StatusError } from '../status-error.ts'
import type { Pages } from './pages.ts'
import { renderMetadata, renderMetadataList, wantsMetadata } from './partial-metadata.ts'
import { renderTable, tableOptions } from './table.ts'
import { getStored } from './update.ts'
import { present } from './written.ts'

export function getObject(platform: Platform, target: NamedTarget, request: ApiRequest): ApiResponse {
  const stored = getStored(platform, target)
  if (wantsMetadata(request, 'PartialObjectMetadata')) return json(renderMetadata(stored))
  const table = tableOptions(request)
  if (table === undefined) return json(present(target.resource, stored))
  return json(renderTable(target.resource, [stored], { ...table, now: platform.clock.now() }))
}

/** Whether an object is among those that a request asks for. */
export type Selection = (object: JsonObject) => boolean

export function selectionOf(target: Target, query: URLSearchParams): Selection {
  const labels = parseSelectorText(query.get('labelSelector') ?? '')
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '', target.resource.fieldSelectors)
  return (object) =>
    (target.namespace === undefined || namespaceOf(object) === target.namespace) &&
    (target.name === undefined || nameOf(object) === target.name) &&
    (labels.length === 0 || matchesSelector(labels, labelsOf(object))) &&
    matchesFields(fields, object)
}

export const selectObjects = (platform: Platform, target: Target, query: URLSearchParams): readonly JsonObject[] =>
  platform.store.list(target.resource.storage).filter(selectionOf(target, query))

export function listObjects(platform: Platform, target: Target, request: ApiRequest, pages: Pages): ApiResponse {
  const { query } = request
  checkVersion(platform, query)
  const limit = Number(query.get('limit') ?? 0)
  if (!Number.isInteger(limit) || limit < 0) throw badRequest(`invalid limit ${query.get('limit')}`)
  const token = query.get('continue') ?? ''
  const from = token === '' ? startPage(platform, target, query) : pages.resume(token)
  const size = limit === 0 ? from.items.length : limit
  const items = from.items.slice(0, size)
  const rest = from.items.slice(size)
  const hasSelector = (query.get('labelSelector') ?? '') !== '' || (query.get('fieldSelector') ?? '') !== ''
  const metadata = compact({
    resourceVersion: String(from.revision),
    continue: rest.length === 0 ? undefined : pages.keep({ revision: from.revision, items: rest }),
    remainingItemCount: rest.length === 0 || hasSelector ? undefined : rest.length,
  })
  return answer(platform, target.resource, { items, metadata, request })
}

const startPage = (platform: Platform, target: Target, query: URLSearchParams) => ({
  revision: platform.store.revision(),
  items: selectObjects(platform, target, query),
})

interface Answer {
  readonly items: readonly JsonObject[]
  readonly metadata: JsonObject
  readonly request: ApiRequest
}

function answer(platform: Platform, resource: ApiResource, { items, metadata, request }: Answer): ApiResponse {
  if (wantsMetadata(request, 'PartialObjectMetadataList')) return json(renderMetadataList(items, metadata))
  const table = tableOptions(request)
  if (table !== undefined) {
    return json({ ...renderTable(resource, items, { ...table, now: platform.clock.now() }), metadata })
  }
  return json({
    kind: resource.listKind,
    apiVersion: groupVersionOf(resource),
    metadata: resource.isCustom ? { continue: '', ...metadata } : metadata,
    items: items.map((item) => listed(resource, item)),
  })
}

/** In lists, objects of builtin kinds do not repeat what they are. */
export const listed = (resource: ApiResource, item: JsonObject): JsonObject =>
  resource.isCustom ? present(resource, item) : without(item, 'apiVersion', 'kind')

/** A version of the future is refused so that the client waits; an exact one of the past is gone. */
function checkVersion(platform: Platform, query: URLSearchParams): void {
  const text = query.get('resourceVersion') ?? ''
  if (text === '' || text === '0') return
  const wanted = parseVersion(text)
  const now = platform.store.revision()
  if (wanted > now) throw tooLarge(wanted, now)
  if (query.get('resourceVersionMatch') === 'Exact' && wanted < now) {
    throw expired('The provided resource version is too old: only the current state is kept for exact lists.')
  }
}

export function parseVersion(text: string): number {
  if (!/^\d{1,15}$/.test(text)) {
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    )
  }
  return Number(text)
}

export const tooLarge = (wanted: number, now: number): StatusError =>
  new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${wanted}, current: ${now}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })
