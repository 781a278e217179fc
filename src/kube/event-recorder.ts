import { type CoreEvent, eventKind, type KubernetesObject } from '../api/index.ts'
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
  readonly count: number
}

/** Writes events of the core group, as `kubectl describe` shows them. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { clock, log } = options
  const buckets = createTokenBuckets({ burst: BURST, refillMs: REFILL_MS, remembered: REMEMBERED })
  // One chain of writes for each series, so that two equal notes at once make one event.
  const series = new Map<string, Promise<Series | undefined>>()
  let sequence = 0

  return {
    async record(object, note) {
      const fields = { object: `${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}` }
      if (!buckets.take(objectKey(object), clock.monotonic())) {
        log.debug({ ...fields, reason: note.reason }, 'too many events of one object, dropped')
        return
      }
      const key = seriesKey(object, note)
      sequence += 1
      const write = continueSeries(series.get(key), { options, object, note, sequence })
      remember(
        series,
        key,
        write.then(
          (known) => known,
          () => undefined,
        ),
      )
      try {
        await write
      } catch (error) {
        log.warn({ ...fields, reason: note.reason, error: messageOf(error) }, 'an event could not be written')
      }
    },
  }
}

interface Occurrence {
  readonly options: EventRecorderOptions
  readonly object: KubernetesObject
  readonly note: EventNote
  readonly sequence: number
}

async function continueSeries(
  former: Promise<Series | undefined> | undefined,
  occurrence: Occurrence,
): Promise<Series | undefined> {
  const known = await former
  if (known === undefined) return beginSeries(occurrence)
  const { client, clock } = occurrence.options
  const count = known.count + 1
  try {
    await client.patch(eventKind, known.ref, { count, lastTimestamp: timeOf(clock) }, { type: 'merge' })
    return { ref: known.ref, count }
  } catch (error) {
    // Events live an hour: a later one begins a new series.
    if (error instanceof KubeError && error.code === 404) return beginSeries(occurrence)
    throw error
  }
}

async function beginSeries(occurrence: Occurrence): Promise<Series> {
  const event = renderEvent(occurrence)
  await occurrence.options.client.create(eventKind, event)
  return { ref: { namespace: event.metadata.namespace, name: event.metadata.name }, count: 1 }
}

function renderEvent({ options, object, note, sequence }: Occurrence): CoreEvent {
  const { clock, component } = options
  const { namespace, name, uid, resourceVersion } = object.metadata
  const time = timeOf(clock)
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace: namespace ?? 'default', name: `${name.slice(0, 220)}.${uniqueSuffix(clock, sequence)}` },
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

const uniqueSuffix = (clock: Clock, sequence: number): string =>
  (BigInt(clock.now()) * 1_000_000n + BigInt(sequence % 1_000_000)).toString(16)

const objectKey = ({ kind, metadata }: KubernetesObject): string =>
  JSON.stringify([kind, metadata.namespace, metadata.name, metadata.uid])

const seriesKey = (object: KubernetesObject, note: EventNote): string =>
  JSON.stringify([objectKey(object), note.type, note.reason, note.message])

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  const oldest = map.keys().next()
  if (map.size > REMEMBERED && !oldest.done) map.delete(oldest.value)
}
