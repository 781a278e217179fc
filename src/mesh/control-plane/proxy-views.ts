import { isRecord } from '../../base/index.ts'
import { encodedToJson, type ResourceType, resourceTypes, tableOfVirtualHost } from '../envoy/index.ts'
import type { ConnectedProxy, Snapshot } from '../xds/index.ts'
import { podOf } from './proxy-state.ts'

/** People see the virtual hosts of a table as its content, whichever way they come. */
export type ViewedType = Exclude<ResourceType, 'virtualHost'>

/** `NOT SENT`: there is nothing of the type that the proxy has asked for. */
export type SyncState = 'SYNCED' | 'STALE' | 'NOT SENT'

export interface ProxyStatus {
  /** `pod.namespace`. */
  readonly proxy: string
  readonly node: string
  /** What it says it is, such as `envoy 1.40.0`. */
  readonly agent: string
  readonly types: Readonly<Record<ViewedType, SyncState>>
  /** Refused, with Envoy's words; the proxy goes on with what it had. */
  readonly rejected: readonly { readonly type: ViewedType; readonly name: string; readonly message: string }[]
}

/** What one proxy is to have, as Envoy's JSON; without private keys. */
export type ProxyConfiguration = Readonly<Record<ViewedType, readonly unknown[]>>

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
    return snapshot && eachView((type) => (type === 'routes' ? wholeTables(snapshot) : toJson(snapshot, type)))
  },
})

const eachView = <T>(value: (type: ViewedType) => T): Readonly<Record<ViewedType, T>> => ({
  cluster: value('cluster'),
  endpoints: value('endpoints'),
  listener: value('listener'),
  routes: value('routes'),
  secret: value('secret'),
})

const toJson = ({ resources }: Snapshot, type: ResourceType) =>
  [...resources[type].values()].map(({ bytes }) => encodedToJson(bytes))

function wholeTables({ resources }: Snapshot): readonly unknown[] {
  const hosts = Map.groupBy(resources.virtualHost.values(), ({ name }) => tableOfVirtualHost(name))
  return [...resources.routes.values()].map(({ name, bytes }) => {
    const [table, own] = [encodedToJson(bytes), hosts.get(name)]
    if (own === undefined || !isRecord(table)) return table
    const virtualHosts = own.map((host) => ({ ...Object(encodedToJson(host.bytes)), '@type': undefined }))
    return { ...table, virtualHosts }
  })
}

const statusOf = (proxy: ConnectedProxy, snapshot: Snapshot | undefined): ProxyStatus => ({
  proxy: podOf(proxy.nodeId),
  node: proxy.nodeId,
  agent: proxy.agent,
  types: eachView((type) => syncOf(proxy, type === 'routes' ? ['routes', 'virtualHost'] : [type], snapshot)),
  rejected: resourceTypes.flatMap((type) => rejectedOf(proxy, type, snapshot)),
})

function syncOf(proxy: ConnectedProxy, types: readonly ResourceType[], snapshot: Snapshot | undefined): SyncState {
  const wanted = types.flatMap((type) => wantedOf(proxy, type, snapshot).map((resource) => ({ type, ...resource })))
  if (wanted.length === 0) return 'NOT SENT'
  return wanted.every(({ type, name, version }) => proxy.accepted(type, name) === version) ? 'SYNCED' : 'STALE'
}

const rejectedOf = (
  proxy: ConnectedProxy,
  type: ResourceType,
  snapshot: Snapshot | undefined,
): ProxyStatus['rejected'] =>
  wantedOf(proxy, type, snapshot).flatMap(({ name, version }) => {
    const message = proxy.rejection(type, name, version)
    return message === undefined ? [] : [{ type: type === 'virtualHost' ? 'routes' : type, name, message }]
  })

const wantedOf = (proxy: ConnectedProxy, type: ResourceType, snapshot: Snapshot | undefined) =>
  [...(snapshot?.resources[type].values() ?? [])].filter(({ name }) => proxy.isSubscribed(type, name))
