import { equals, isOneOf, renderSums } from '../matcher.ts'
import type { Backend, BuiltinMetric } from '../metric.ts'
import { durationOf } from '../request-histogram.ts'

const BUCKETS = 'istio_request_duration_milliseconds_bucket'

/** As the pods of the version saw it. */
export const requestDurationAfter = (flushMs: number): BuiltinMetric => ({
  ...durationOf({
    metric: BUCKETS,
    selectors: ({ namespace, workload }) => [
      [
        equals('reporter', 'destination'),
        equals('destination_workload_namespace', namespace),
        equals('destination_workload', workload),
      ],
    ],
    unitMs: 1,
    flushMs,
  }),
  queryTogether: (backends: readonly Backend[], range: string) => {
    const namespaces = backends.map(({ namespace }) => namespace)
    const workloads = backends.map(({ workload }) => workload)
    const pods = [isOneOf('destination_workload_namespace', namespaces), isOneOf('destination_workload', workloads)]
    const labels = ['reporter', 'destination_workload', 'destination_workload_namespace', 'le']
    return renderSums(BUCKETS, [[equals('reporter', 'destination'), ...pods]], labels, range)
  },
})
