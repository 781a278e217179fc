import { equals } from '../matcher.ts'
import { envoyClusters } from './envoy.ts'

/** What callers saw of a service: its name is that of the Kubernetes Service; Kubernetes' namespaces are not known here. */
export const consul = envoyClusters(({ service }) => [[equals('consul_destination_service', service)]])
