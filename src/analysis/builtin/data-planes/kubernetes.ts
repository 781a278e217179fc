import { equals, literally, matches, type Selector } from '../matcher.ts'
import type { Backend } from '../metric.ts'
import { isFailedCode, successRateOf } from '../request-counter.ts'
import { durationOf } from '../request-histogram.ts'
import type { DataPlane } from './data-plane.ts'

/** The two ways in which scrape configurations call a pod: Prometheus Operator's, and the older one. */
const LABELS = [
  ['namespace', 'pod'],
  ['kubernetes_namespace', 'kubernetes_pod_name'],
] as const

/** Pods of a Deployment end in a hash and five random characters: `web-foo-0` is none of `web`. */
const pods = ({ namespace, workload }: Backend): readonly Selector[] =>
  LABELS.map(([namespaceLabel, podLabel]) => [
    equals(namespaceLabel, namespace),
    matches(podLabel, `${literally(workload)}-[0-9a-z]{1,10}-[0-9a-z]{5}`),
  ])

/** What applications count themselves, in `http_request_duration_seconds` with a label `status` or `code`. */
export const kubernetes: DataPlane = {
  'request-success-rate': successRateOf({
    metric: 'http_request_duration_seconds_count',
    selectors: pods,
    isFailure: ({ status, code, status_code }) => isFailedCode(status ?? code ?? status_code),
  }),
  'request-duration': durationOf({
    metric: 'http_request_duration_seconds_bucket',
    selectors: pods,
    unitMs: 1_000,
    flushMs: 0,
  }),
}
