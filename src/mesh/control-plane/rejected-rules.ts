import { remember } from '../../base/index.ts'
import { listenerName, virtualInboundName } from '../envoy/index.ts'
import { type Cluster, keyText, type Mesh, type MeshProxy, type ObjectKey } from '../model/index.ts'
import type { ConnectedProxy, Snapshot } from '../xds/index.ts'
import { podOf } from './proxy-state.ts'

/** What of a proxy's configuration objects shape, and their keys. */
export interface Shaped {
  readonly type: 'cluster' | 'endpoints' | 'listener'
  readonly name: string
  readonly keys: readonly string[]
}

/** As one proxy has it. */
export type RulesOf = (nodeId: string) => readonly Shaped[]

export function rulesIn({ clusters, proxies }: Pick<Mesh, 'clusters' | 'proxies'>): RulesOf {
  const byId = new Map(proxies.map((proxy) => [proxy.id, proxy]))
  return (nodeId) => {
    const proxy = byId.get(nodeId)
    return [...shapedClusters(proxy?.clusters ?? clusters), ...(proxy === undefined ? [] : shapedListeners(proxy))]
  }
}

/** Proxies share lists. */
const shapedClusters = remember((clusters: readonly Cluster[]): readonly Shaped[] =>
  clusters.flatMap(({ name, origins = [] }) => shaped(['cluster', 'endpoints'], name, origins)),
)

/** A proxy whose routes changed has the listeners that it had. */
const shapedOutbound = remember((outbound: MeshProxy['outbound']) =>
  outbound.flatMap(({ bind, origins = [] }) =>
    origins.length === 0 ? [] : [{ name: listenerName('outbound', bind), origins }],
  ),
)

export const shapedListeners = remember((proxy: MeshProxy): readonly Shaped[] => {
  const { role, inbound, outbound, security, telemetry, interception } = proxy
  const told = telemetry?.origins ?? []
  const asked = [
    ...[...(security?.authorization ?? []), ...(security?.tokens ?? [])].map(({ origin }) => origin),
    ...told,
  ]
  // A gateway asks who asks it, and has nobody behind it.
  const toOthers = role === 'gateway' ? asked : told
  const inboundName = (bind: { readonly address: string; readonly port: number }) =>
    interception === undefined ? listenerName('inbound', bind) : virtualInboundName
  const parts = [
    ...inbound.map(({ bind, origins = [] }) => ({ name: inboundName(bind), origins: [...origins, ...asked] })),
    ...(interception === undefined ? [] : [{ name: virtualInboundName, origins: asked }]),
    ...shapedOutbound(outbound),
    ...(toOthers.length === 0
      ? []
      : outbound.map(({ bind }) => ({ name: listenerName('outbound', bind), origins: toOthers }))),
  ]
  return [...Map.groupBy(parts, ({ name }) => name)].flatMap(([name, group]) =>
    shaped(
      ['listener'],
      name,
      group.flatMap(({ origins }) => origins),
    ),
  )
})

const shaped = (types: readonly Shaped['type'][], name: string, origins: readonly ObjectKey[]): readonly Shaped[] =>
  origins.length === 0 ? [] : types.map((type) => ({ type, name, keys: [...new Set(origins.map(keyText))] }))

export interface RejectionInput {
  readonly configuration: {
    readonly rulesOf: RulesOf
    readonly suspectsOf: SuspectsOf
    readonly snapshots: ReadonlyMap<string, Snapshot>
  }
  readonly connected: ReadonlyMap<string, ConnectedProxy>
}

/** Those of the keys that may be the reason why a proxy does not accept what it has accepted in an earlier version. */
export type SuspectsOf = (nodeId: string, rejected: Shaped, accepted: string | undefined) => readonly string[]

/** What Envoy says of what objects shape and proxies of this replica reject: by key, then by pod. */
export function rejectedRules({
  configuration,
  connected,
}: RejectionInput): ReadonlyMap<string, Record<string, string>> {
  const found = new Map<string, Record<string, string>>()
  for (const [nodeId, proxy] of connected) {
    if (!proxy.hasRejections()) continue
    const resources = configuration.snapshots.get(nodeId)?.resources
    for (const rule of configuration.rulesOf(nodeId)) {
      const { type, name } = rule
      const message = proxy.rejection(type, name, resources?.[type].get(name)?.version ?? '')
      if (message === undefined) continue
      for (const key of configuration.suspectsOf(nodeId, rule, proxy.accepted(type, name))) {
        found.set(key, { ...found.get(key), [podOf(nodeId)]: message })
      }
    }
  }
  return found
}
