import { create } from '@bufbuild/protobuf'
import { passthroughCluster } from '../model/index.ts'
import {
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  ClusterSchema,
  CustomClusterTypeSchema,
  DnsCacheConfigSchema,
  ForwardProxyClusterSchema,
  ForwardProxySchema,
} from './api.ts'
import { metadataNamespace } from './formats.ts'
import { duration, encode, extension, pack } from './messages.ts'
import type { EnvoyResource } from './resource.ts'
import { serviceMetadata } from './telemetry.ts'

const dnsCacheConfig = create(DnsCacheConfigSchema, {
  name: passthroughCluster,
  dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
})

/** The fields of a cluster that reaches whatever host a request names. Listeners that route to it need the filter. */
export const wherever = {
  lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
  clusterDiscoveryType: {
    case: 'clusterType',
    value: create(CustomClusterTypeSchema, {
      name: 'envoy.clusters.dynamic_forward_proxy',
      typedConfig: pack(ForwardProxyClusterSchema, {
        clusterImplementationSpecifier: { case: 'dnsCacheConfig', value: dnsCacheConfig },
        // Of TLS, which it does not speak.
        allowInsecureClusterOptions: true,
      }),
    }),
  },
} as const

/** For hosts that the mesh does not know. */
export function renderPassthrough(): EnvoyResource {
  const message = encode(ClusterSchema, {
    name: passthroughCluster,
    connectTimeout: duration(10_000),
    ...wherever,
    metadata: {
      filterMetadata: {
        [metadataNamespace]: serviceMetadata({ host: 'unknown', name: passthroughCluster, namespace: 'unknown' }),
      },
    },
  })
  return { type: 'cluster', name: passthroughCluster, message, clusters: [], needs: [] }
}

/** Finds the addresses of hosts; requests that go elsewhere pass it. */
export const passthroughFilter = () =>
  extension('envoy.filters.http.dynamic_forward_proxy', ForwardProxySchema, {
    implementationSpecifier: { case: 'dnsCacheConfig', value: dnsCacheConfig },
  })
