import { equals } from '../matcher.ts'
import type { BuiltinMetric } from '../metric.ts'
import { durationOf } from '../request-histogram.ts'

/** As the pods of the version saw it. */
export const requestDurationAfter = (flushMs: number): BuiltinMetric =>
  durationOf({
    metric: 'istio_request_duration_milliseconds_bucket',
    selectors: ({ namespace, workload }) => [
      [
        equals('reporter', 'destination'),
        equals('destination_workload_namespace', namespace),
        equals('destination_workload', workload),
      ],
    ],
    unitMs: 1,
    flushMs,
  })
