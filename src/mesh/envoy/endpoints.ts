import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Cluster, Endpoint, Locality } from '../model/index.ts'
import { ClusterLoadAssignmentSchema, type LbEndpointSchema } from './api.ts'
import { metadataNamespace } from './formats.ts'
import { encode, socketAddress } from './messages.ts'
import type { EnvoyResource } from './resource.ts'
import { workloadMetadata } from './telemetry.ts'
import { meshProtocol, tlsModeKey, transportMatch } from './tls.ts'

/** The place that asks matters where endpoints are left out for failing: only then may others have to take over. */
export const dependsOnLocality = ({ resolution = 'static', ...cluster }: Cluster): boolean =>
  resolution === 'static' &&
  cluster.outlierDetection !== undefined &&
  cluster.ignoresLocality !== true &&
  cluster.endpoints.some(({ locality }) => locality !== undefined)

/** Nearest first for a proxy whose locality is given; all alike for others. */
export function renderEndpoints(cluster: Cluster, from?: Locality): EnvoyResource {
  const message = encode(ClusterLoadAssignmentSchema, loadAssignment(cluster, from))
  return { type: 'endpoints', name: cluster.name, message, clusters: [], needs: [] }
}

export function loadAssignment(
  cluster: Cluster,
  from?: Locality,
): MessageInitShape<typeof ClusterLoadAssignmentSchema> {
  const { name, endpoints } = cluster
  const distance = from !== undefined && dependsOnLocality(cluster) ? distanceFrom(from) : () => 0
  const priorities = [...new Set(endpoints.map(distance))].sort((left, right) => left - right)
  const groups = Map.groupBy(endpoints, (endpoint) => `${distance(endpoint)}|${localityKey(endpoint.locality)}`)
  return {
    clusterName: name,
    endpoints: [...groups.values()].map((group) => {
      const [first] = group
      return {
        lbEndpoints: group.map(renderEndpoint),
        ...(first?.locality === undefined ? {} : { locality: first.locality }),
        priority: first === undefined ? 0 : priorities.indexOf(distance(first)),
      }
    }),
  }
}

export const localityKey = (locality: Locality | undefined): string =>
  locality === undefined ? '' : `${locality.region}/${locality.zone}/${locality.subZone}`

/** How many of sub-zone, zone and region differ, as a step each: 0 is here, 3 is another region. */
const distanceFrom =
  (from: Locality) =>
  ({ locality }: Endpoint): number => {
    if (locality?.region !== from.region) return 3
    if (locality.zone !== from.zone) return 2
    return locality.subZone === from.subZone ? 0 : 1
  }

const renderEndpoint = (endpoint: Endpoint): MessageInitShape<typeof LbEndpointSchema> => ({
  hostIdentifier: { case: 'endpoint', value: { address: socketAddress(endpoint) } },
  metadata: {
    filterMetadata: {
      [metadataNamespace]: workloadMetadata(endpoint.workload),
      ...(endpoint.takesMutualTls ? { [transportMatch]: { [tlsModeKey]: meshProtocol } } : {}),
    },
  },
  ...(endpoint.weight === undefined ? {} : { loadBalancingWeight: endpoint.weight }),
})
