import { quote } from '../../promql.ts'
import type { Sample } from '../../provider.ts'
import { type Bucket, quantile } from '../../statistics/quantile.ts'
import type { BuiltinMetric } from '../metric.ts'

/** The time within which 99 % of the requests were answered, in milliseconds, as the pods of the new version saw it. */
export const requestDuration: BuiltinMetric = {
  title: 'p99 latency',
  unit: 'milliseconds',
  flushed: true,
  query: ({ namespace, target }, range) => {
    const workload = `destination_workload_namespace=${quote(namespace)},destination_workload=${quote(target)}`
    return `last_over_time(istio_request_duration_milliseconds_bucket{reporter="destination",${workload}}[${range}])`
  },
  read: (increases) => {
    const buckets = sumByBound(increases)
    const requests = buckets.find(({ le }) => le === Number.POSITIVE_INFINITY)?.count ?? 0
    const evidence = requests === 0 ? 'no requests' : `${requests} requests`
    return { value: quantile(0.99, buckets), requests, evidence }
  },
}

function sumByBound(increases: readonly Sample[]): readonly Bucket[] {
  const counts = new Map<number, number>()
  for (const { labels, value } of increases) {
    const le = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le)
    if (!Number.isNaN(le)) counts.set(le, (counts.get(le) ?? 0) + value)
  }
  return [...counts].map(([le, count]) => ({ le, count }))
}
