import { type CoreEvent, eventKind, type KubernetesObject } from '../api/index.ts'
import { hashValue } from '../base/index.ts'
import { type Clock, type Logger, messageOf } from '../runtime/index.ts'
import { type EventNote, type EventRecorder, type KubeClient, KubeError, type ObjectRef } from './port.ts'
import { createTokenBuckets } from './token-buckets.ts'

export interface EventRecorderOptions {
  readonly client: Pick<KubeClient, 'create' | 'patch'>
  /** Who reports, such as `sluice-controller`. */
  readonly component: string
  readonly clock: Clock
  readonly log: Logger
}

/** client-go's limits: a burst of 25 for each object, then one in five minutes. */
const BURST = 25
const REFILL_MS = 300_000
/** Series that are remembered; the oldest is forgotten first and would begin anew. */
const REMEMBERED = 4_096
const MAX_MESSAGE = 1_024

interface Series {
  readonly ref: ObjectRef
  /** Unknown where another process began it. */
  readonly count: number | undefined
}

/**
 * Writes events of the core group, as `kubectl describe` shows them. Equal notes have one name, whoever writes them, so
 * that a successor knows what its predecessor has told.
 */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { clock, log } = options
  const buckets = createTokenBuckets({ burst: BURST, refillMs: REFILL_MS, remembered: REMEMBERED })
  // One chain of writes for each series, so that two equal notes at once make one event.
  const series = new Map<string, Promise<Series | undefined>>()

  const write = async (
    object: KubernetesObject,
    note: EventNote,
    next: (former: Promise<Series | undefined> | undefined, occurrence: Occurrence) => Promise<Series | undefined>,
  ): Promise<boolean> => {
    const key = seriesKey(object, note)
    const written = next(series.get(key), { options, object, note, name: nameOf(object, key) })
    remember(
      series,
      key,
      written.catch(() => undefined),
    )
    try {
      await written
      return true
    } catch (error) {
      log.warn({ ...fieldsOf(object), reason: note.reason, error: messageOf(error) }, 'an event could not be written')
      return false
    }
  }

  return {
    async record(object, note) {
      if (buckets.take(objectKey(object), clock.monotonic())) return write(object, note, continueSeries)
      log.debug({ ...fieldsOf(object), reason: note.reason }, 'too many events of one object, dropped')
      return true
    },
    async ensure(object, note) {
      let isNew = false
      const isThere = await write(object, note, async (former, occurrence) => {
        const known = await former
        if (known !== undefined) return known
        const begun = await beginSeries(occurrence)
        isNew = begun.count !== undefined
        return begun
      })
      if (!isThere) return 'failed'
      return isNew ? 'written' : 'there'
    },
  }
}

interface Occurrence {
  readonly options: EventRecorderOptions
  readonly object: KubernetesObject
  readonly note: EventNote
  readonly name: string
}

async function continueSeries(
  former: Promise<Series | undefined> | undefined,
  occurrence: Occurrence,
): Promise<Series | undefined> {
  const known = await former
  if (known !== undefined) return countUp(known, occurrence)
  const begun = await beginSeries(occurrence)
  return begun.count === undefined ? countUp(begun, occurrence) : begun
}

async function countUp({ ref, count: former }: Series, occurrence: Occurrence): Promise<Series> {
  const { client, clock } = occurrence.options
  const count = former === undefined ? undefined : former + 1
  const counted = { ...(count === undefined ? {} : { count }), lastTimestamp: timeOf(clock) }
  try {
    await client.patch(eventKind, ref, counted, { type: 'merge' })
    return { ref, count }
  } catch (error) {
    // Events live an hour: a later one begins a new series.
    if (error instanceof KubeError && error.code === 404) return beginSeries(occurrence)
    throw error
  }
}

/** The event itself, or that of another process, which counts on. */
async function beginSeries(occurrence: Occurrence): Promise<Series> {
  const event = renderEvent(occurrence)
  const ref = { namespace: event.metadata.namespace, name: event.metadata.name }
  try {
    await occurrence.options.client.create(eventKind, event)
    return { ref, count: 1 }
  } catch (error) {
    if (error instanceof KubeError && error.reason === 'AlreadyExists') return { ref, count: undefined }
    throw error
  }
}

function renderEvent({ options, object, note, name: eventName }: Occurrence): CoreEvent {
  const { clock, component } = options
  const { namespace, name, uid, resourceVersion } = object.metadata
  const time = timeOf(clock)
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace: namespace ?? 'default', name: eventName },
    involvedObject: {
      apiVersion: object.apiVersion,
      kind: object.kind,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    type: note.type,
    reason: note.reason,
    message: note.message.length > MAX_MESSAGE ? `${note.message.slice(0, MAX_MESSAGE - 1)}…` : note.message,
    source: { component },
    reportingComponent: component,
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  }
}

/** Seconds are all that an event's time holds. */
const timeOf = (clock: Clock): string => new Date(clock.now()).toISOString().replace(/\.[0-9]+Z$/, 'Z')

const nameOf = ({ metadata }: KubernetesObject, series: string): string =>
  `${metadata.name.slice(0, 220)}.${hashValue(series)}`

const fieldsOf = ({ kind, metadata }: KubernetesObject) => ({
  object: `${kind} ${metadata.namespace ?? ''}/${metadata.name}`,
})

const objectKey = ({ kind, metadata }: KubernetesObject): string =>
  JSON.stringify([kind, metadata.namespace, metadata.name, metadata.uid])

const seriesKey = (object: KubernetesObject, note: EventNote): string =>
  JSON.stringify([objectKey(object), note.reason, note.message])

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  const oldest = map.keys().next()
  if (map.size > REMEMBERED && !oldest.done) map.delete(oldest.value)
}
