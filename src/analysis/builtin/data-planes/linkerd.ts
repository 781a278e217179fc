import { equals, type Selector } from '../matcher.ts'
import type { Backend } from '../metric.ts'
import { successRateOf } from '../request-counter.ts'
import { durationOf } from '../request-histogram.ts'
import type { DataPlane } from './data-plane.ts'

const inbound = ({ namespace, workload }: Backend): readonly Selector[] => [
  [equals('namespace', namespace), equals('deployment', workload), equals('direction', 'inbound')],
]

/** What the proxies of the pods saw; Linkerd classifies failures itself, gRPC included. */
export const linkerd: DataPlane = {
  'request-success-rate': successRateOf({
    metric: 'response_total',
    selectors: inbound,
    isFailure: ({ classification }) => classification === 'failure',
  }),
  'request-duration': durationOf({
    metric: 'response_latency_ms_bucket',
    selectors: inbound,
    unitMs: 1,
    flushMs: 0,
  }),
}
