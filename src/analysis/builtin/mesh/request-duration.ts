import { failure, parseDuration, type Result, success } from '../../../base/index.ts'
import { quote } from '../../promql.ts'
import type { Sample } from '../../provider.ts'
import { type Bucket, quantile } from '../../statistics/quantile.ts'
import type { BuiltinMetric, Counted } from '../metric.ts'

/** The time within which 99 % of the requests were answered, in milliseconds, as the pods of the new version saw it. */
export const requestDuration: BuiltinMetric = {
  title: 'p99 latency',
  unit: 'milliseconds',
  flushed: true,
  query: ({ namespace, workload }, range) => {
    const pods = `destination_workload_namespace=${quote(namespace)},destination_workload=${quote(workload)}`
    return `last_over_time(istio_request_duration_milliseconds_bucket{reporter="destination",${pods}}[${range}])`
  },
  isOf: ({ workload }, { labels }) => labels.destination_workload === workload,
  read: (increases) => {
    const buckets = sumByBound(increases)
    const requests = buckets.find(({ le }) => le === Number.POSITIVE_INFINITY)?.count ?? 0
    const evidence = requests === 0 ? 'no requests' : `${requests} requests`
    return { value: quantile(0.99, buckets), requests, evidence }
  },
  count: (increases, { slowerThan = '' }) => countSlow(sumByBound(increases), slowerThan),
}

/** Slow is what the smallest bucket that holds everything up to `slowerThan` does not hold. */
function countSlow(buckets: readonly Bucket[], slowerThan: string): Result<Counted> {
  const limit = parseDuration(slowerThan)
  if (!limit.ok) return failure(`comparison.slowerThan: ${limit.error}`)
  const requests = buckets.find(({ le }) => le === Number.POSITIVE_INFINITY)?.count ?? 0
  const bounds = buckets.filter(({ le }) => le >= limit.value).sort((left, right) => left.le - right.le)
  const bound = bounds[0]
  if (bound?.le === Number.POSITIVE_INFINITY) {
    return failure(`comparison.slowerThan: the histogram has no bucket that reaches ${slowerThan}`)
  }
  const failures = Math.max(0, requests - (bound?.count ?? 0))
  return success({ requests, failures, failing: `took longer than ${bound?.le ?? limit.value} ms` })
}

function sumByBound(increases: readonly Sample[]): readonly Bucket[] {
  const counts = new Map<number, number>()
  for (const { labels, value } of increases) {
    const le = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le)
    if (!Number.isNaN(le)) counts.set(le, (counts.get(le) ?? 0) + value)
  }
  return [...counts].map(([le, count]) => ({ le, count }))
}
