import type { Mesh } from '../model/index.ts'
import type { Snapshot } from '../xds/index.ts'
import { type SuspectsOf, shapedListeners } from './rejected-rules.ts'

/** A version of a listener, and the generations of the objects that it was made of. */
interface Version {
  readonly version: string
  readonly generations: ReadonlyMap<string, number>
}

export interface ListenerHistory {
  record(built: {
    readonly proxies: Mesh['proxies']
    readonly snapshots: ReadonlyMap<string, Snapshot>
    readonly generations: ReadonlyMap<string, number>
  }): SuspectsOf
}

/** Of each listener; a proxy that keeps an older one is blamed on all. */
const VERSIONS_KEPT = 4

/**
 * Knows which objects have changed since the version of a listener that a proxy still has: many objects shape one
 * listener, and those that the proxy has accepted as they are now did not spoil it.
 */
export function createListenerHistory(): ListenerHistory {
  let histories = new Map<string, readonly Version[]>()
  return {
    record({ proxies, snapshots, generations }) {
      const known = histories
      histories = new Map(
        proxies.flatMap((proxy) =>
          shapedListeners(proxy).flatMap(({ name, keys }): (readonly [string, readonly Version[]])[] => {
            const place = placeOf(proxy.id, name)
            const version = snapshots.get(proxy.id)?.resources.listener.get(name)?.version
            const before = known.get(place) ?? []
            if (version === undefined || before.at(-1)?.version === version) return [[place, before]]
            const made = new Map(keys.map((key) => [key, generations.get(key) ?? 0]))
            return [[place, [...before, { version, generations: made }].slice(-VERSIONS_KEPT)]]
          }),
        ),
      )
      const current = histories
      return (nodeId, { type, name, keys }, accepted) => {
        if (type !== 'listener' || accepted === undefined) return keys
        const former = current.get(placeOf(nodeId, name))?.findLast(({ version }) => version === accepted)
        if (former === undefined) return keys
        const changed = keys.filter((key) => former.generations.get(key) !== (generations.get(key) ?? 0))
        return changed.length === 0 ? keys : changed
      }
    },
  }
}

const placeOf = (nodeId: string, name: string): string => `${nodeId} ${name}`
