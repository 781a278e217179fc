import { literally, matches, type Selector } from '../matcher.ts'
import type { Backend } from '../metric.ts'
import { isFailedCode, successRateOf } from '../request-counter.ts'
import { durationOf } from '../request-histogram.ts'
import type { DataPlane } from './data-plane.ts'

/** Traefik calls a service NAMESPACE-SERVICE-PORT@PROVIDER, for IngressRoutes and Ingresses. */
const services = ({ namespace, service }: Backend): readonly Selector[] => [
  [matches('service', `${literally(namespace)}-${literally(service)}-[0-9a-zA-Z-]+@kubernetes(crd)?`)],
]

export const traefik: DataPlane = {
  'request-success-rate': successRateOf({
    metric: 'traefik_service_requests_total',
    selectors: services,
    isFailure: ({ code }) => isFailedCode(code),
  }),
  'request-duration': durationOf({
    metric: 'traefik_service_request_duration_seconds_bucket',
    selectors: services,
    unitMs: 1_000,
    flushMs: 0,
  }),
}
