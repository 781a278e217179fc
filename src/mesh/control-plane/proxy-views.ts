import { eachType, encodedToJson, type ResourceType, resourceTypes } from '../envoy/index.ts'
import type { ConnectedProxy, Snapshot } from '../xds/index.ts'
import { podOf } from './proxy-state.ts'

/** `NOT SENT`: there is nothing of the type that the proxy has asked for. */
export type SyncState = 'SYNCED' | 'STALE' | 'NOT SENT'

export interface ProxyStatus {
  /** `pod.namespace`. */
  readonly proxy: string
  readonly node: string
  /** What it says it is, such as `envoy 1.40.0`. */
  readonly agent: string
  readonly types: Readonly<Record<ResourceType, SyncState>>
  /** Refused, with Envoy's words; the proxy goes on with what it had. */
  readonly rejected: readonly { readonly type: ResourceType; readonly name: string; readonly message: string }[]
}

/** What one proxy is to have, as Envoy's JSON; without private keys. */
export type ProxyConfiguration = Readonly<Record<ResourceType, readonly unknown[]>>

/** What people ask of a control plane: which proxies it serves, and what each is to have. */
export interface ProxyViews {
  /** The connected ones, by name. */
  statuses(): readonly ProxyStatus[]
  /** Of a proxy that is connected here; undefined of others. */
  configurationOf(pod: string): ProxyConfiguration | undefined
}

export interface ViewedFacts {
  readonly connected: ReadonlyMap<string, ConnectedProxy>
  readonly configuration: { readonly snapshots: ReadonlyMap<string, Snapshot> }
}

export const createProxyViews = (facts: () => ViewedFacts): ProxyViews => ({
  statuses() {
    const { connected, configuration } = facts()
    return [...connected.values()]
      .map((proxy) => statusOf(proxy, configuration.snapshots.get(proxy.nodeId)))
      .sort((left, right) => (left.proxy < right.proxy ? -1 : 1))
  },
  configurationOf(pod) {
    const { connected, configuration } = facts()
    const node = [...connected.keys()].find((candidate) => podOf(candidate) === pod)
    const snapshot = node === undefined ? undefined : configuration.snapshots.get(node)
    return (
      snapshot && eachType((type) => [...snapshot.resources[type].values()].map(({ bytes }) => encodedToJson(bytes)))
    )
  },
})

const statusOf = (proxy: ConnectedProxy, snapshot: Snapshot | undefined): ProxyStatus => ({
  proxy: podOf(proxy.nodeId),
  node: proxy.nodeId,
  agent: proxy.agent,
  types: eachType((type) => syncOf(proxy, type, snapshot)),
  rejected: resourceTypes.flatMap((type) => rejectedOf(proxy, type, snapshot)),
})

function syncOf(proxy: ConnectedProxy, type: ResourceType, snapshot: Snapshot | undefined): SyncState {
  const wanted = wantedOf(proxy, type, snapshot)
  if (wanted.length === 0) return 'NOT SENT'
  return wanted.every(({ name, version }) => proxy.accepted(type, name) === version) ? 'SYNCED' : 'STALE'
}

const rejectedOf = (proxy: ConnectedProxy, type: ResourceType, snapshot: Snapshot | undefined) =>
  wantedOf(proxy, type, snapshot).flatMap(({ name, version }) => {
    const message = proxy.rejection(type, name, version)
    return message === undefined ? [] : [{ type, name, message }]
  })

const wantedOf = (proxy: ConnectedProxy, type: ResourceType, snapshot: Snapshot | undefined) =>
  [...(snapshot?.resources[type].values() ?? [])].filter(({ name }) => proxy.isSubscribed(type, name))
