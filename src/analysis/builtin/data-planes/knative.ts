import { equals, literally, matches, type Selector } from '../matcher.ts'
import type { Backend } from '../metric.ts'
import { successRateOf } from '../request-counter.ts'
import { durationOf } from '../request-histogram.ts'
import type { DataPlane } from './data-plane.ts'

/** A revision by its own name, or those that a Knative Service of that name made: NAME and a number of five digits. */
const revisions = ({ namespace, workload }: Backend): readonly Selector[] => [
  [equals('namespace_name', namespace), matches('revision_name', `${literally(workload)}(-[0-9]{5})?`)],
]

/** What the queue proxy beside each pod of Knative Serving saw. */
export const knative: DataPlane = {
  'request-success-rate': successRateOf({
    metric: 'revision_request_count',
    selectors: revisions,
    isFailure: ({ response_code_class: group }) => group === '5xx',
  }),
  'request-duration': durationOf({
    metric: 'revision_request_latencies_bucket',
    selectors: revisions,
    unitMs: 1,
    flushMs: 0,
  }),
}
