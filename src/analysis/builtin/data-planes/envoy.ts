import { ENVOY_FLUSH_MS } from '../../window.ts'
import type { Selector } from '../matcher.ts'
import type { Backend } from '../metric.ts'
import { isFailedCode, successRateOf } from '../request-counter.ts'
import { durationOf } from '../request-histogram.ts'
import type { DataPlane } from './data-plane.ts'

/** Envoy's own statistics of a cluster, for the data planes that configure it without metrics of their own. */
export function envoyClusters(selectors: (backend: Backend) => readonly Selector[]): DataPlane {
  return {
    'request-success-rate': successRateOf({
      metric: 'envoy_cluster_upstream_rq',
      selectors,
      isFailure: ({ envoy_response_code: code }) => isFailedCode(code),
    }),
    'request-duration': durationOf({
      metric: 'envoy_cluster_upstream_rq_time_bucket',
      selectors,
      unitMs: 1,
      flushMs: ENVOY_FLUSH_MS,
    }),
  }
}
