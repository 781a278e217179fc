import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Cluster } from '../model/index.ts'
import { Cluster_DiscoveryType, Cluster_DnsLookupFamily, type ClusterSchema } from './api.ts'
import { loadAssignment } from './endpoints.ts'
import { originalDestination } from './interception.ts'
import { ads } from './messages.ts'
import { wherever } from './passthrough.ts'

/** True when its endpoints come as a resource of their own. */
export const hasOwnEndpoints = ({ resolution = 'static' }: Cluster): boolean => resolution === 'static'

type Discovery = Pick<
  MessageInitShape<typeof ClusterSchema>,
  'clusterDiscoveryType' | 'edsClusterConfig' | 'loadAssignment' | 'lbPolicy' | 'dnsLookupFamily'
>

/** Where the endpoints come from; for requests that go where they ask to go also how one is chosen. */
export function renderDiscovery(cluster: Cluster): Discovery {
  switch (cluster.resolution) {
    case 'none':
      return wherever
    case 'original-destination':
      return originalDestination
    case 'dns':
      return byName(cluster, Cluster_DiscoveryType.STRICT_DNS)
    case 'dns-one-address':
      return byName(cluster, Cluster_DiscoveryType.LOGICAL_DNS)
    default:
      return {
        clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
        edsClusterConfig: { edsConfig: ads() },
      }
  }
}

const byName = (cluster: Cluster, type: Cluster_DiscoveryType): Discovery => ({
  clusterDiscoveryType: { case: 'type', value: type },
  dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
  loadAssignment: loadAssignment(cluster),
})
