import { matches, type Selector } from '../matcher.ts'
import type { Backend } from '../metric.ts'
import { isFailedCode, successRateOf } from '../request-counter.ts'
import { durationOf } from '../request-histogram.ts'
import type { DataPlane } from './data-plane.ts'

/** Skipper writes every other character of a name as an underscore. */
const encode = (name: string): string => name.replace(/\W/g, '_')

/** A route is kube_NAMESPACE__INGRESS__HOST_PATH__SERVICE, kubeew_ for east-west. */
const routes = ({ namespace, service }: Backend): readonly Selector[] => [
  [matches('route', `kube(ew)?_${encode(namespace)}__.*__${encode(service)}(_[0-9]+)?`)],
]

export const skipper: DataPlane = {
  'request-success-rate': successRateOf({
    metric: 'skipper_response_duration_seconds_count',
    selectors: routes,
    isFailure: ({ code }) => isFailedCode(code),
  }),
  'request-duration': durationOf({
    metric: 'skipper_serve_route_duration_seconds_bucket',
    selectors: routes,
    unitMs: 1_000,
    flushMs: 0,
  }),
}
