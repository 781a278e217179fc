import type { Mesh, MeshProxy } from '../model/index.ts'
import type { Snapshot } from '../xds/index.ts'
import { type SuspectsOf, shapedListeners } from './rejected-rules.ts'

/** A version of a listener, and the generations of the objects that it was made of. */
interface Version {
  readonly version: string
  readonly generations: ReadonlyMap<string, number>
}

export interface ListenerHistory {
  record(built: Built): SuspectsOf
}

interface Built {
  readonly proxies: Mesh['proxies']
  readonly snapshots: ReadonlyMap<string, Snapshot>
  readonly generations: ReadonlyMap<string, number>
}

/** Of each listener; a proxy that keeps an older one is blamed on all. */
const VERSIONS_KEPT = 4

/**
 * Knows which objects have changed since the version of a listener that a proxy still has: many objects shape one
 * listener, and those that the proxy has accepted as they are now did not spoil it.
 */
export function createListenerHistory(): ListenerHistory {
  let histories: ReadonlyMap<string, ProxyHistory> = new Map()
  return {
    record(built) {
      const known = histories
      const current = new Map(built.proxies.map((proxy) => [proxy.id, recordProxy(known.get(proxy.id), proxy, built)]))
      histories = current
      return (nodeId, { type, name, keys }, accepted) => {
        if (type !== 'listener' || accepted === undefined) return keys
        const former = current
          .get(nodeId)
          ?.versions.get(name)
          ?.findLast(({ version }) => version === accepted)
        if (former === undefined) return keys
        const changed = keys.filter((key) => former.generations.get(key) !== (built.generations.get(key) ?? 0))
        return changed.length === 0 ? keys : changed
      }
    },
  }
}

interface ProxyHistory {
  readonly proxy: MeshProxy
  readonly listeners: Snapshot['resources']['listener'] | undefined
  /** Of each of its listeners, the oldest first. */
  readonly versions: ReadonlyMap<string, readonly Version[]>
}

/** Most changes concern few proxies: of one that is as before, the history is, too. */
function recordProxy(
  before: ProxyHistory | undefined,
  proxy: MeshProxy,
  { snapshots, generations }: Built,
): ProxyHistory {
  const listeners = snapshots.get(proxy.id)?.resources.listener
  if (before?.proxy === proxy && before.listeners === listeners) return before
  const versions = shapedListeners(proxy).map(({ name, keys }): readonly [string, readonly Version[]] => {
    const known = before?.versions.get(name) ?? []
    const version = listeners?.get(name)?.version
    if (version === undefined || known.at(-1)?.version === version) return [name, known]
    const made = new Map(keys.map((key) => [key, generations.get(key) ?? 0]))
    return [name, [...known, { version, generations: made }].slice(-VERSIONS_KEPT)]
  })
  return { proxy, listeners, versions: new Map(versions) }
}
