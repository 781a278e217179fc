import { literally, matches } from '../matcher.ts'
import { envoyClusters } from './envoy.ts'

/** The pods' own side (`localhost_PORT`), so that what they ask of others does not count; newer Kumas prefix the label. */
export const kuma = envoyClusters(({ namespace, service }) =>
  ['service', 'kuma_io_service'].map((label) => [
    matches(label, `${literally(service)}_${literally(namespace)}_svc_[0-9a-zA-Z-]+`),
    matches('envoy_cluster_name', 'localhost_.+'),
  ]),
)
