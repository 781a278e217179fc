import type { KubernetesObject, ResourceKind } from '../api/index.ts'
import { type Clock, type Logger, messageOf, untilAborted } from '../runtime/index.ts'
import { type Backoff, createBackoff, type Random } from './backoff.ts'
import { createFollow, type Follow, type Step } from './list-and-watch.ts'
import type { NamesOf } from './object-index.ts'
import { type Change, createObjectStore, isShown, type ObjectStore } from './object-store.ts'
import { type KubeClient, KubeError, type ListOptions, type Reflector } from './port.ts'

export interface ReflectorOptions<T extends KubernetesObject> extends ListOptions {
  readonly client: Pick<KubeClient, 'list' | 'watch' | 'watchList'>
  readonly kind: ResourceKind<T>
  readonly clock: Clock
  readonly log: Logger
  readonly random?: Random
}

/** A watch that lived this long was healthy: the next failure starts from the shortest wait again. */
const HEALTHY_MS = 60_000

/**
 * Keeps a copy of a kind by list and watch. `managedFields` are left out: they are half of an object's size.
 * `synced` stays open when the reflector is stopped before its first list.
 */
export function createReflector<T extends KubernetesObject>(options: ReflectorOptions<T>): Reflector<T> {
  const store = createObjectStore<T>()
  const handlers = new Set<(current: T | undefined, previous: T | undefined) => void>()
  const newsHandlers = new Set<(object: T) => void>()
  const synced = Promise.withResolvers<void>()
  const log = options.log.child({ watch: options.kind.plural })

  const guarded = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      log.error({ error: messageOf(error) }, 'a handler of changes failed')
    }
  }
  const tellNews = (object: T): void => {
    for (const handler of newsHandlers) guarded(() => handler(object))
  }
  const tell = ({ current, previous }: Change<T>, isNews: boolean): void => {
    const object = current ?? previous
    // The deletion of an object that nobody was told of.
    if (object === undefined) return
    for (const handler of handlers) guarded(() => handler(current, previous))
    if (isNews) tellNews(object)
  }

  return {
    get: store.get,
    list: store.list,
    indexBy: (namesOf) => store.indexBy(withoutFaults(log, namesOf)),
    overlay(object) {
      if (store.overlay(withoutManagedFields(object))) tellNews(object)
    },
    onNews: (handler) => void newsHandlers.add(handler),
    onChange(handler) {
      handlers.add(handler)
      return () => handlers.delete(handler)
    },
    synced: synced.promise,
    start(signal) {
      const follow = createFollow({ ...options, scope: scopeOf(options), keep: withoutManagedFields })
      return reflect({ ...options, log, store, tell, follow, synced: synced.resolve }, signal)
    },
  }
}

/** An object that is not as its kind should be is found by nothing, and ends no watch. */
const withoutFaults =
  <T>(log: Logger, namesOf: NamesOf<T>): NamesOf<T> =>
  (object) => {
    try {
      return namesOf(object)
    } catch (error) {
      log.error({ error: messageOf(error) }, 'an object could not be indexed')
      return []
    }
  }

interface Reflection<T extends KubernetesObject> extends ReflectorOptions<T> {
  readonly store: ObjectStore<T>
  readonly tell: (change: Change<T>, isNews: boolean) => void
  readonly follow: Follow<T>
  readonly synced: () => void
}

async function reflect<T extends KubernetesObject>(reflection: Reflection<T>, signal: AbortSignal): Promise<void> {
  const backoff = createBackoff({ baseMs: 800, capMs: 30_000 }, reflection.random ?? Math.random)
  const { clock, log } = reflection
  const stopped = untilAborted(signal).then(() => undefined)
  let resourceVersion: string | undefined
  while (!signal.aborted) {
    const since = clock.monotonic()
    // A list has no signal: a stop does not wait for a server that hangs.
    const round = await Promise.race([runRound(reflection, resourceVersion, signal), stopped])
    if (round === undefined) return
    resourceVersion = round.resourceVersion
    const waitMs = waitAfter(round, clock.monotonic() - since, backoff)
    if (round.error !== undefined && !signal.aborted) {
      log.warn({ error: messageOf(round.error), waitMs: Math.round(waitMs) }, 'watching failed, trying again')
    }
    if (waitMs > 0) await clock.sleep(waitMs, signal)
  }
}

interface Round {
  /** Where the next watch begins; undefined = list first. */
  readonly resourceVersion: string | undefined
  readonly events: number
  readonly error: unknown
}

/** Takes everything if it must, then changes until the watch ends in any way. */
async function runRound<T extends KubernetesObject>(
  reflection: Reflection<T>,
  from: string | undefined,
  signal: AbortSignal,
): Promise<Round> {
  let resourceVersion = from
  let events = 0
  try {
    for await (const step of reflection.follow(from, signal)) {
      if (step.type !== 'ALL') events += 1
      resourceVersion = take(reflection, step) ?? resourceVersion
    }
    return { resourceVersion, events, error: undefined }
  } catch (error) {
    return { resourceVersion: isExpired(error) ? undefined : resourceVersion, events, error }
  }
}

const isExpired = (error: unknown): boolean => error instanceof KubeError && error.reason === 'Expired'

/** A round that brought nothing and ended soon is a failure too, or a server that cuts every watch would be hammered. */
function waitAfter(round: Round, livedMs: number, backoff: Backoff): number {
  const wasHealthy = round.events > 0 || livedMs >= HEALTHY_MS
  if (wasHealthy) backoff.reset()
  if (wasHealthy && (round.error === undefined || isExpired(round.error))) return 0
  const wait = backoff.next()
  const retry = round.error instanceof KubeError ? round.error.retry : 'later'
  return typeof retry === 'object' ? Math.max(retry.afterMs, wait) : wait
}

/** Takes one step into the copy and returns the version that it has reached. */
function take<T extends KubernetesObject>(reflection: Reflection<T>, event: Step<T>): string | undefined {
  const { store, tell, synced } = reflection
  if (event.type === 'ALL') {
    for (const change of store.replaceAll(event.items, event.resourceVersion)) tell(change, true)
    synced()
    return event.resourceVersion
  }
  if (event.type === 'BOOKMARK') {
    store.advance(event.resourceVersion)
    return event.resourceVersion === '' ? undefined : event.resourceVersion
  }
  const object = withoutManagedFields(event.object)
  const isNews = event.type === 'DELETED' || !isShown(object, store.get(object.metadata))
  tell(event.type === 'DELETED' ? store.remove(object) : store.set(object), isNews)
  return object.metadata.resourceVersion
}

const scopeOf = ({ namespace, labelSelector, fieldSelector, metadataOnly }: ListOptions): ListOptions => ({
  ...(namespace === undefined ? {} : { namespace }),
  ...(labelSelector === undefined ? {} : { labelSelector }),
  ...(fieldSelector === undefined ? {} : { fieldSelector }),
  ...(metadataOnly === undefined ? {} : { metadataOnly }),
})

function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}
