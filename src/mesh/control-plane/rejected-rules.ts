import { remember } from '../../base/index.ts'
import type { Cluster, Mesh } from '../model/index.ts'
import type { ConnectedProxy, Snapshot } from '../xds/index.ts'
import { keyText } from './last-good.ts'
import { podOf } from './proxy-state.ts'

/** The keys of the objects that say how a cluster is treated, by its name, as one proxy has it. */
export type RulesOf = (nodeId: string) => ReadonlyMap<string, readonly string[]>

export function rulesIn(mesh: Pick<Mesh, 'clusters' | 'proxies'>): RulesOf {
  const rulesOfClusters = remember(
    (clusters: readonly Cluster[]) =>
      new Map(clusters.flatMap(({ name, origins }) => (origins === undefined ? [] : [[name, origins.map(keyText)]]))),
  )
  return (nodeId) => rulesOfClusters(mesh.proxies.find(({ id }) => id === nodeId)?.clusters ?? mesh.clusters)
}

export interface RejectionInput {
  readonly configuration: { readonly rulesOf: RulesOf; readonly snapshots: ReadonlyMap<string, Snapshot> }
  readonly connected: ReadonlyMap<string, ConnectedProxy>
}

/** What Envoy says of the clusters that objects shape and proxies of this replica reject: by key, then by pod. */
export function rejectedRules({
  configuration,
  connected,
}: RejectionInput): ReadonlyMap<string, Record<string, string>> {
  const found = new Map<string, Record<string, string>>()
  for (const [nodeId, proxy] of connected) {
    if (!proxy.hasRejections()) continue
    const clusters = configuration.snapshots.get(nodeId)?.resources.cluster
    for (const [name, keys] of configuration.rulesOf(nodeId)) {
      const message = proxy.rejection('cluster', name, clusters?.get(name)?.version ?? '')
      if (message === undefined) continue
      for (const key of keys) found.set(key, { ...found.get(key), [podOf(nodeId)]: message })
    }
  }
  return found
}
