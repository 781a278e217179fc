import type { MessageInitShape } from '@bufbuild/protobuf'
import type { LoadBalancing, TrafficPolicy, WarmUp } from '../model/index.ts'
import { Cluster_LbPolicy, type ClusterSchema } from './api.ts'
import { duration } from './messages.ts'

type ClusterFields = MessageInitShape<typeof ClusterSchema>

const lbPolicies: Readonly<Record<LoadBalancing, Cluster_LbPolicy>> = {
  'least-request': Cluster_LbPolicy.LEAST_REQUEST,
  'round-robin': Cluster_LbPolicy.ROUND_ROBIN,
  random: Cluster_LbPolicy.RANDOM,
  'ring-hash': Cluster_LbPolicy.RING_HASH,
  maglev: Cluster_LbPolicy.MAGLEV,
  passthrough: Cluster_LbPolicy.LEAST_REQUEST,
}

/** The fields of a cluster that say which endpoint gets a request. */
export const renderLoadBalancing = (policy: TrafficPolicy): Pick<ClusterFields, 'lbPolicy' | 'lbConfig'> => ({
  lbPolicy: lbPolicies[policy.loadBalancing],
  ...lbConfig(policy),
})

function lbConfig({ loadBalancing, consistentHash, warmUp }: TrafficPolicy): Pick<ClusterFields, 'lbConfig'> {
  const { minimumRingSize, tableSize } = consistentHash ?? {}
  if (loadBalancing === 'ring-hash' && minimumRingSize !== undefined) {
    return { lbConfig: { case: 'ringHashLbConfig', value: { minimumRingSize: BigInt(minimumRingSize) } } }
  }
  if (loadBalancing === 'maglev' && tableSize !== undefined) {
    return { lbConfig: { case: 'maglevLbConfig', value: { tableSize: BigInt(tableSize) } } }
  }
  if (warmUp === undefined) return {}
  const value = { slowStartConfig: slowStart(warmUp) }
  if (loadBalancing === 'round-robin') return { lbConfig: { case: 'roundRobinLbConfig', value } }
  return loadBalancing === 'least-request' ? { lbConfig: { case: 'leastRequestLbConfig', value } } : {}
}

const slowStart = ({ windowMs, aggression, minimumPercent }: WarmUp) => ({
  slowStartWindow: duration(windowMs),
  ...(aggression === undefined
    ? {}
    : { aggression: { defaultValue: aggression, runtimeKey: 'mesh.slow_start_aggression' } }),
  ...(minimumPercent === undefined ? {} : { minWeightPercent: { value: minimumPercent } }),
})
