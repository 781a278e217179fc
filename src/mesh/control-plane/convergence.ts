import { findOrMake } from '../../base/index.ts'
import type { Clock } from '../../runtime/index.ts'
import type { ResourceType } from '../envoy/index.ts'

/** Measures, for each proxy, how long a change takes from the API to its last answer. */
export interface Convergence {
  /** The configuration of these proxies is another one, for changes that began at `sinceMs` (monotonic). */
  changed(nodeIds: Iterable<string>, sinceMs: number): void
  pushed(nodeId: string, type: ResourceType): void
  answered(nodeId: string, type: ResourceType): void
  disconnected(nodeId: string): void
}

interface Proxy {
  /** Types that it was sent and has not answered. */
  readonly unanswered: Set<ResourceType>
  sinceMs: number | undefined
}

export function createConvergence(clock: Clock, converged: (ms: number) => void): Convergence {
  const proxies = new Map<string, Proxy>()
  const find = (nodeId: string): Proxy =>
    findOrMake(proxies, nodeId, () => ({ unanswered: new Set(), sinceMs: undefined }))
  const settle = (proxy: Proxy): void => {
    if (proxy.unanswered.size > 0 || proxy.sinceMs === undefined) return
    converged(clock.monotonic() - proxy.sinceMs)
    proxy.sinceMs = undefined
  }
  return {
    changed(nodeIds, sinceMs) {
      for (const nodeId of nodeIds) {
        const proxy = proxies.get(nodeId)
        // Who was sent nothing is not concerned.
        if (proxy !== undefined && proxy.unanswered.size > 0) proxy.sinceMs ??= sinceMs
      }
    },
    pushed: (nodeId, type) => void find(nodeId).unanswered.add(type),
    answered(nodeId, type) {
      const proxy = find(nodeId)
      proxy.unanswered.delete(type)
      // What this answer lets through, listeners after their clusters, is sent before the microtask runs.
      queueMicrotask(() => settle(proxy))
    },
    disconnected: (nodeId) => void proxies.delete(nodeId),
  }
}
