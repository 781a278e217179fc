import type { ApiRequest, ApiResponse, Sink } from '../http/request.ts'
import { type JsonObject, withAt } from '../json.ts'
import { type ApiResource, groupVersionOf } from '../kinds/resource.ts'
import type { Platform, Target } from '../platform.ts'
import { expired, StatusError } from '../status-error.ts'
import type { Change } from '../storage/event-log.ts'
import { renderMetadata, wantsMetadata } from './partial-metadata.ts'
import { parseVersion, type Selection, selectionOf, tooLarge } from './read.ts'
import { renderTable, type TableOptions, tableOptions } from './table.ts'
import { present } from './written.ts'

const BOOKMARK_EVERY_MS = 60_000
const DEFAULT_TIMEOUT_SECONDS = 1800

export function watchObjects(platform: Platform, target: Target, request: ApiRequest): ApiResponse {
  const { query } = request
  const selected = selectionOf(target, query)
  const start = startOf(platform, target, query)
  const table = tableOptions(request)
  const seconds = Number(query.get('timeoutSeconds') ?? 0) || DEFAULT_TIMEOUT_SECONDS
  const watching: Watching = {
    platform,
    target,
    selected,
    render: wantsMetadata(request, 'PartialObjectMetadata') ? renderPartially : renderer(platform, target, table),
    bookmarks: query.get('allowWatchBookmarks') === 'true',
    sendInitial: query.get('sendInitialEvents') === 'true',
    timeoutMs: seconds * 1000,
  }
  return {
    kind: 'stream',
    contentType:
      table === undefined ? 'application/json' : `application/json;as=Table;g=meta.k8s.io;v=${table.version}`,
    run: (sink, signal) => runWatch(watching, start, sink, signal),
  }
}

interface Watching {
  readonly platform: Platform
  readonly target: Target
  readonly selected: Selection
  /** JSON of an object as this watcher wants it. */
  readonly render: (object: JsonObject) => string
  readonly bookmarks: boolean
  readonly sendInitial: boolean
  readonly timeoutMs: number
}

/** Where a watch begins: with the present objects, or with the changes after a version. */
type Start = { readonly kind: 'now' } | { readonly kind: 'after'; readonly changes: readonly Change[] }

function startOf(platform: Platform, target: Target, query: URLSearchParams): Start {
  const text = query.get('resourceVersion') ?? ''
  if (text === '' || text === '0' || query.get('sendInitialEvents') === 'true') return { kind: 'now' }
  const revision = parseVersion(text)
  const now = platform.store.revision()
  if (revision > now) throw tooLarge(revision, now)
  const changes = platform.store.log.since(target.resource.storage, revision)
  if (changes === undefined) throw expired(`too old resource version: ${revision} (${now})`)
  return { kind: 'after', changes }
}

const line = (type: string, object: string): string => `{"type":"${type}","object":${object}}\n`

async function runWatch(watching: Watching, start: Start, sink: Sink, signal: AbortSignal): Promise<void> {
  const { platform, target } = watching
  const ended = new AbortController()
  const stop = AbortSignal.any([signal, ended.signal])
  const send = (text: string): void => {
    if (!sink.write(text)) ended.abort()
  }
  // Everything up to the subscription is synchronous, so no change falls between the start and it.
  if (start.kind === 'now') sendInitial(watching, send)
  else for (const change of start.changes) sendChange(watching, change, send)
  const unsubscribe = platform.store.subscribe((change) => {
    if (change.resource === target.resource.storage) sendChange(watching, change, send)
  })
  try {
    await keepOpen(watching, send, stop)
    if (!stop.aborted && watching.bookmarks) send(bookmark(watching, {}))
  } finally {
    unsubscribe()
  }
}

function sendInitial(watching: Watching, send: (text: string) => void): void {
  const { platform, target } = watching
  for (const object of platform.store.list(target.resource.storage)) {
    if (watching.selected(object)) send(line('ADDED', watching.render(object)))
  }
  if (watching.sendInitial) send(bookmark(watching, { 'k8s.io/initial-events-end': 'true' }))
}

/** Waits for the timeout, sending a bookmark each minute. */
async function keepOpen(watching: Watching, send: (text: string) => void, stop: AbortSignal): Promise<void> {
  const { clock } = watching.platform
  const deadline = clock.monotonic() + watching.timeoutMs
  while (!stop.aborted) {
    const left = deadline - clock.monotonic()
    if (left <= 0) return
    await clock.sleep(Math.min(left, BOOKMARK_EVERY_MS), stop)
    if (!stop.aborted && left > BOOKMARK_EVERY_MS && watching.bookmarks) send(bookmark(watching, {}))
  }
}

function bookmark({ platform, target }: Watching, annotations: JsonObject): string {
  const { resource } = target
  const metadata: JsonObject = { resourceVersion: String(platform.store.revision()), creationTimestamp: null }
  const marked = Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations }
  const object = { kind: resource.kind, apiVersion: groupVersionOf(resource), metadata: marked }
  return line('BOOKMARK', JSON.stringify(object))
}

/** An object that begins to match is ADDED to this watcher, one that stops matching is DELETED. */
function sendChange(watching: Watching, change: Change, send: (text: string) => void): void {
  const matched = change.previous !== undefined && watching.selected(change.previous)
  const matches = change.type !== 'DELETED' && watching.selected(change.object)
  if (!matched && !matches) return
  if (matches) send(line(matched ? 'MODIFIED' : 'ADDED', watching.render(change.object)))
  else send(line('DELETED', watching.render(lastState(change))))
}

/** The state that the watcher knew, with the version of the change that took it away. */
const lastState = (change: Change): JsonObject =>
  change.type === 'DELETED'
    ? change.object
    : withAt(change.previous ?? change.object, ['metadata', 'resourceVersion'], String(change.revision))

/** Objects never change once stored: the text of one serves every watcher of its version. */
const texts = new WeakMap<JsonObject, { readonly apiVersion: string; readonly text: string }>()

function textOf(resource: ApiResource, object: JsonObject): string {
  const apiVersion = groupVersionOf(resource)
  const known = texts.get(object)
  if (known?.apiVersion === apiVersion) return known.text
  const text = JSON.stringify(present(resource, object))
  texts.set(object, { apiVersion, text })
  return text
}

/** Table watches carry the column definitions in their first event only. */
const renderPartially = (object: JsonObject): string => JSON.stringify(renderMetadata(object))

function renderer(platform: Platform, target: Target, table: TableOptions | undefined): Watching['render'] {
  if (table === undefined) return (object) => textOf(target.resource, object)
  let first = true
  return (object) => {
    const rendered = renderTable(target.resource, [object], { ...table, now: platform.clock.now() })
    const shown = first ? rendered : { ...rendered, columnDefinitions: null }
    first = false
    return JSON.stringify(shown)
  }
}

/** The form in which an error reaches a stream that has begun. */
export const errorLine = (error: unknown): string => {
  const status = error instanceof StatusError ? error : new StatusError(500, 'InternalError', 'an error on the server')
  return line('ERROR', JSON.stringify(status.toStatus()))
}
