import { equals } from '../matcher.ts'
import { durationOf } from '../request-histogram.ts'

/** As the pods of the version saw it. */
export const requestDuration = durationOf({
  metric: 'istio_request_duration_milliseconds_bucket',
  selectors: ({ namespace, workload }) => [
    [
      equals('reporter', 'destination'),
      equals('destination_workload_namespace', namespace),
      equals('destination_workload', workload),
    ],
  ],
  unitMs: 1,
  flushed: true,
})
