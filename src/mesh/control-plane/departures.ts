import { type Clock, createWaker, type Waker } from '../../runtime/index.ts'
import type { ConnectedProxy, Snapshot } from '../xds/index.ts'

export interface DepartureFacts {
  readonly configuration: {
    readonly snapshots: ReadonlyMap<string, Snapshot>
    /** Of all endpoints. */
    readonly addresses: () => ReadonlySet<string>
  }
  readonly connected: ReadonlyMap<string, ConnectedProxy>
  /** Proxies that were lost a moment ago, and may come back with what they had. */
  readonly expected: () => readonly string[]
}

/** Tells when an endpoint has left every proxy: only then may it refuse connections. */
export interface Departures {
  /**
   * Resolves with true when the address is no endpoint any more and every proxy that is connected here has accepted
   * that; with false when the signal fires first.
   */
  untilGone(address: string, signal: AbortSignal): Promise<boolean>
  /** There is another configuration, or a proxy has accepted something, has come or has gone. */
  changed(): void
}

/** Proxies that may come back are given up without an event. */
const LOOK_AGAIN_MS = 500

export function createDepartures(facts: () => DepartureFacts, clock: Pick<Clock, 'sleep'>): Departures {
  const waiting = new Set<Waker>()
  return {
    changed() {
      for (const waker of waiting) waker.wake()
    },
    async untilGone(address, signal) {
      const waker = createWaker(clock)
      waiting.add(waker)
      let behind: Behind | undefined
      while (!signal.aborted && behind?.size !== 0) {
        waker.heed()
        const now = facts()
        behind ??= now.configuration.addresses().has(address) ? undefined : everybody(now)
        behind &&= stillBehind(behind, now)
        if (behind?.size !== 0) await waker.sleep(LOOK_AGAIN_MS, signal)
      }
      waiting.delete(waker)
      return behind?.size === 0
    },
  }
}

/** The lists of endpoints that a proxy has not accepted since the address left; undefined is any of them. */
type Behind = ReadonlyMap<string, readonly string[] | undefined>

/** Those that may have the address. One that connects later is told of the endpoints without it. */
const everybody = ({ connected, expected }: DepartureFacts): Behind =>
  new Map([...connected.keys(), ...expected()].map((nodeId) => [nodeId, undefined]))

function stillBehind(behind: Behind, { connected, configuration, expected }: DepartureFacts): Behind {
  const awaited = new Set(expected())
  return new Map(
    [...behind].flatMap(([nodeId, names]): [string, readonly string[] | undefined][] => {
      const [proxy, snapshot] = [connected.get(nodeId), configuration.snapshots.get(nodeId)]
      // Its pod is gone.
      if (snapshot === undefined) return []
      if (proxy === undefined) return awaited.has(nodeId) ? [[nodeId, names]] : []
      const open = openLists(proxy, snapshot, names ?? [...snapshot.resources.endpoints.keys()])
      return open.length === 0 ? [] : [[nodeId, open]]
    }),
  )
}

/** What it has rejected, and goes on without, is not waited for. */
const openLists = (proxy: ConnectedProxy, { resources }: Snapshot, names: readonly string[]): readonly string[] =>
  names.filter((name) => {
    const [cluster, list] = [resources.cluster.get(name), resources.endpoints.get(name)]
    if (list === undefined || cluster === undefined || !proxy.isSubscribed('cluster', name)) return false
    const isRejected =
      proxy.rejection('cluster', name, cluster.version) ?? proxy.rejection('endpoints', name, list.version)
    return isRejected === undefined && proxy.accepted('endpoints', name) !== list.version
  })
