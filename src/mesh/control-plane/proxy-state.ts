import { remember } from '../../base/index.ts'
import type { ResourceType } from '../envoy/index.ts'
import type { ConnectedProxy, Snapshot } from '../xds/index.ts'
import type { Need } from './needs.ts'

/** How far one proxy is with one object. `unasked`: it has not asked for what the object is about. */
export type ProxyState =
  | { readonly kind: 'has-it' | 'waiting' | 'away' | 'unasked' }
  | { readonly kind: 'rejected'; readonly message: string }

/** Of a proxy with a stream to this replica. */
export function stateOfConnected(need: Need, proxy: ConnectedProxy, snapshot: Snapshot | undefined): ProxyState {
  const isWanted = !need.isOnDemand || need.tables.some((name) => proxy.isSubscribed('routes', name))
  if (!isWanted) return { kind: 'unasked' }
  if (snapshot === undefined) return { kind: 'waiting' }
  let hasAll = true
  for (const { type, name } of resourcesOf(need)) {
    const version = snapshot.resources[type].get(name)?.version
    if (version === undefined) continue
    const message = proxy.rejection(type, name, version)
    if (message !== undefined) return { kind: 'rejected', message }
    hasAll &&= proxy.accepted(type, name) === version
  }
  return { kind: hasAll ? 'has-it' : 'waiting' }
}

/** A need is asked about whenever its proxy may have come further. */
const resourcesOf = remember((need: Need): readonly { readonly type: ResourceType; readonly name: string }[] => [
  ...need.tables.map((name) => ({ type: 'routes', name }) as const),
  ...need.hosts.map((name) => ({ type: 'virtualHost', name }) as const),
  ...need.listeners.map((name) => ({ type: 'listener', name }) as const),
  ...need.clusters.flatMap((name) => [{ type: 'cluster', name } as const, { type: 'endpoints', name } as const]),
])

/** `pod.namespace` of a node id. */
export const podOf = (nodeId: string): string => nodeId.split('~')[2] ?? nodeId
