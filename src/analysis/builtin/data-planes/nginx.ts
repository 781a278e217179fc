import { equals, literally, matches, type Selector } from '../matcher.ts'
import type { Backend } from '../metric.ts'
import { isFailedCode, successRateOf } from '../request-counter.ts'
import { durationOf } from '../request-histogram.ts'
import type { DataPlane } from './data-plane.ts'

/**
 * ingress-nginx names the backend of a canary NAMESPACE-SERVICE-PORT in the label `canary`, which is empty for all
 * other requests: those go to the Service of the main Ingress, the primary's or the apex that leads there.
 */
function backends({ namespace, service }: Backend): readonly Selector[] {
  const apex = service.replace(/-primary$/, '')
  const canary = matches('canary', `${literally(namespace)}-${literally(service)}-[0-9a-zA-Z-]+`)
  const main = [equals('canary', ''), matches('service', `${literally(apex)}(-primary)?`)]
  return [[equals('namespace', namespace), ...(apex === service ? [canary] : main)]]
}

/** What the ingress controller answered. */
export const nginx: DataPlane = {
  'request-success-rate': successRateOf({
    metric: 'nginx_ingress_controller_requests',
    selectors: backends,
    isFailure: ({ status }) => isFailedCode(status),
  }),
  'request-duration': durationOf({
    metric: 'nginx_ingress_controller_request_duration_seconds_bucket',
    selectors: backends,
    unitMs: 1_000,
    flushMs: 0,
  }),
}
