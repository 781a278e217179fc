import { equals, literally, matches, type Selector } from '../matcher.ts'
import type { Backend } from '../metric.ts'
import { isFailedCode, successRateOf } from '../request-counter.ts'
import { durationOf } from '../request-histogram.ts'
import type { DataPlane } from './data-plane.ts'

/** APISIX counts by route, NAMESPACE_APISIXROUTE_RULE: each version needs a route whose name ends in its Service's. */
const routes = ({ namespace, service }: Backend): Selector => [
  matches('route', `${literally(namespace)}_(.+-)?${literally(service)}_.+`),
]

export const apisix: DataPlane = {
  'request-success-rate': successRateOf({
    metric: 'apisix_http_status',
    selectors: (backend) => [routes(backend)],
    isFailure: ({ code }) => isFailedCode(code),
  }),
  'request-duration': durationOf({
    metric: 'apisix_http_latency_bucket',
    selectors: (backend) => [[equals('type', 'request'), ...routes(backend)]],
    unitMs: 1,
    flushMs: 0,
  }),
}
