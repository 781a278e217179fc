import { apiVersionOf, type KubernetesObject, type ResourceKind } from '../api/index.ts'
import { isRecord } from '../base/index.ts'
import type { Random } from './backoff.ts'
import { statusEventToError } from './errors.ts'
import { readJsonLines } from './json-lines.ts'
import { KubeError, type ListOptions, type WatchEvent, type WatchOptions } from './port.ts'
import { collectionPath } from './resource-path.ts'
import type { Transport } from './transport.ts'

/** etcd's objects end at 1.5 MB; anything far beyond is not a watch. */
const MAX_LINE = 16 * 1024 * 1024

const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'

export interface WatchCall<T extends KubernetesObject> {
  readonly transport: Transport
  readonly random: Random
  readonly kind: ResourceKind<T>
  /** Everything that there is comes first where no version is named. */
  readonly options: ListOptions & Partial<Pick<WatchOptions, 'resourceVersion' | 'timeoutSeconds'>>
  readonly signal: AbortSignal
}

/** One watch: events until the server or the signal ends it. */
export async function* watchKind<T extends KubernetesObject>(call: WatchCall<T>): AsyncGenerator<WatchEvent<T>> {
  const { kind, options, signal } = call
  if (signal.aborted) return
  const what = `watch ${kind.plural}`
  // Spread over five minutes, so that the watches of a process do not all end together.
  const timeoutSeconds = options.timeoutSeconds ?? Math.round(300 + call.random() * 300)
  // The server ends the watch in time; a server that does not is taken for dead.
  const ended = AbortSignal.any([signal, AbortSignal.timeout((timeoutSeconds + 30) * 1_000)])
  const bytes = call.transport.stream(
    {
      what,
      method: 'GET',
      path: collectionPath(kind, options.namespace),
      query: queryOf(options, timeoutSeconds),
      accept: options.metadataOnly ? METADATA : undefined,
    },
    ended,
  )
  try {
    for await (const line of readJsonLines(bytes, MAX_LINE)) yield parseEvent(call, line)
  } catch (cause) {
    if (signal.aborted) return
    throw cause instanceof KubeError ? cause : brokenStream(what, cause)
  }
}

function queryOf({ resourceVersion, ...options }: WatchCall<never>['options'], timeoutSeconds: number) {
  const fromTheBeginning = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
  return {
    watch: true,
    allowWatchBookmarks: true,
    ...(resourceVersion === undefined ? fromTheBeginning : { resourceVersion }),
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    timeoutSeconds,
  }
}

function parseEvent<T extends KubernetesObject>({ kind, options }: WatchCall<T>, line: unknown): WatchEvent<T> {
  const what = `watch ${kind.plural}`
  if (!isRecord(line) || !isRecord(line.object)) throw brokenStream(what, new Error('an event has no object'))
  const { type, object } = line
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type, object: (options.metadataOnly ? named(kind, object) : object) as unknown as T }
    case 'BOOKMARK':
      return parseBookmark(object as unknown as KubernetesObject)
    case 'ERROR':
      throw statusEventToError(what, object)
    default:
      throw brokenStream(what, new Error(`unknown event type ${JSON.stringify(type)}`))
  }
}

function parseBookmark({ metadata }: KubernetesObject): WatchEvent<never> {
  const isComplete = metadata.annotations?.['k8s.io/initial-events-end'] === 'true'
  return { type: 'BOOKMARK', resourceVersion: metadata.resourceVersion ?? '', ...(isComplete ? { isComplete } : {}) }
}

/** Metadata alone come as `PartialObjectMetadata`, whatever they are of. */
const named = (kind: ResourceKind, object: object) => ({ ...object, apiVersion: apiVersionOf(kind), kind: kind.kind })

const brokenStream = (what: string, cause: unknown): KubeError =>
  new KubeError(`${what}: the stream is not a sequence of watch events`, {
    code: 0,
    reason: 'InvalidAnswer',
    retry: 'later',
    cause,
  })
