import type { KubernetesObject, ResourceKind } from '../api/index.ts'
import { createObjectStore } from './object-store.ts'
import { type KubeClient, KubeError, type ListOptions, type ObjectList, type WatchEvent } from './port.ts'

export interface Following<T extends KubernetesObject> {
  readonly client: Pick<KubeClient, 'list' | 'watch' | 'watchList'>
  readonly kind: ResourceKind<T>
  readonly scope: ListOptions
  /** What is kept of an object. */
  readonly keep: (object: T) => T
}

/** Everything that there is, or a change of it. */
export type Step<T> = ({ readonly type: 'ALL' } & ObjectList<T>) | WatchEvent<T>

/** Follows a kind from a version on, or from the beginning when that is undefined; ends with the watch. */
export type Follow<T> = (from: string | undefined, signal: AbortSignal) => AsyncIterable<Step<T>>

/**
 * Begins with a stream of all objects (Kubernetes' WatchList) where the API server serves that, else with a list: a
 * stream is one request, and no answer with every object has to be kept as a whole on either side.
 */
export function createFollow<T extends KubernetesObject>(following: Following<T>): Follow<T> {
  const { client, kind, scope, keep } = following
  let isStreamed = client.watchList !== undefined
  return async function* follow(from, signal) {
    if (from !== undefined) {
      yield* client.watch(kind, { ...scope, resourceVersion: from }, signal)
      return
    }
    if (isStreamed && client.watchList) {
      try {
        yield* gathered(client.watchList(kind, scope, signal), keep)
        return
      } catch (error) {
        if (!isNotServed(error)) throw error
        isStreamed = false
      }
    }
    const list = await client.list(kind, scope)
    yield { type: 'ALL', items: list.items.map(keep), resourceVersion: list.resourceVersion }
    yield* client.watch(kind, { ...scope, resourceVersion: list.resourceVersion }, signal)
  }
}

/** Changes may come between the first objects and the word that these were all. */
async function* gathered<T extends KubernetesObject>(
  events: AsyncIterable<WatchEvent<T>>,
  keep: (object: T) => T,
): AsyncGenerator<Step<T>> {
  const first = createObjectStore<T>()
  let isComplete = false
  for await (const event of events) {
    if (isComplete) yield event
    else if (event.type === 'DELETED') first.remove(event.object)
    else if (event.type !== 'BOOKMARK') first.set(keep(event.object))
    else if (event.isComplete) {
      isComplete = true
      yield { type: 'ALL', items: first.list(), resourceVersion: event.resourceVersion }
    }
  }
}

/** How API servers refuse parameters that they do not know, or were told not to serve. */
const isNotServed = (error: unknown): boolean => error instanceof KubeError && [400, 405, 422, 501].includes(error.code)
