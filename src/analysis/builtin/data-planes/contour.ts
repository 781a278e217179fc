import { literally, matches } from '../matcher.ts'
import { envoyClusters } from './envoy.ts'

/** Contour calls a cluster NAMESPACE_SERVICE_PORT. */
export const contour = envoyClusters(({ namespace, service }) => [
  [matches('envoy_cluster_name', `${literally(namespace)}_${literally(service)}_[0-9a-zA-Z-]+`)],
])
