import { literally, matches } from '../matcher.ts'
import { envoyClusters } from './envoy.ts'

/** Gloo calls a cluster after its Upstream, discovered (NAMESPACE-SERVICE-PORT) or written (NAMESPACE-SERVICEupstream-PORT). */
export const gloo = envoyClusters(({ namespace, service }) => [
  [
    matches(
      'envoy_cluster_name',
      `${literally(namespace)}-${literally(service)}(upstream)?-[0-9a-zA-Z-]+_[0-9a-zA-Z-]+`,
    ),
  ],
])
