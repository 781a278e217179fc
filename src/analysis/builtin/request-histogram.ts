import { failure, parseDuration, type Result, success } from '../../base/index.ts'
import type { Sample } from '../provider.ts'
import { type Bucket, quantile } from '../statistics/quantile.ts'
import { isSelected, renderCounters, type Selector } from './matcher.ts'
import type { Backend, BuiltinMetric, Counted } from './metric.ts'

/** Where a data plane counts how long its requests took. */
export interface RequestHistogram {
  /** Name of the series with the buckets. */
  readonly metric: string
  readonly selectors: (backend: Backend) => readonly Selector[]
  /** Milliseconds in a unit of the bounds. */
  readonly unitMs: 1 | 1_000
  readonly flushMs: number
}

/** The time within which 99 % of the requests were answered, in milliseconds. */
export function durationOf({ metric, selectors, unitMs, flushMs }: RequestHistogram): BuiltinMetric {
  return {
    title: 'p99 latency',
    unit: 'milliseconds',
    flushMs,
    query: (backend, range) => renderCounters(metric, selectors(backend), range),
    isOf: (backend, sample) => isSelected(sample, selectors(backend)),
    read(increases) {
      const buckets = sumByBound(increases, unitMs)
      const requests = totalOf(buckets)
      const evidence = requests === 0 ? 'no requests' : `${requests} requests`
      return { value: quantile(0.99, buckets), requests, evidence }
    },
    count: (increases, { slowerThan = '' }) => countSlow(sumByBound(increases, unitMs), slowerThan),
  }
}

const totalOf = (buckets: readonly Bucket[]): number =>
  buckets.find(({ le }) => le === Number.POSITIVE_INFINITY)?.count ?? 0

/** Slow is what the smallest bucket that holds everything up to `slowerThan` does not hold. */
function countSlow(buckets: readonly Bucket[], slowerThan: string): Result<Counted> {
  const limit = parseDuration(slowerThan)
  if (!limit.ok) return failure(`comparison.slowerThan: ${limit.error}`)
  const requests = totalOf(buckets)
  const bounds = buckets.filter(({ le }) => le >= limit.value).sort((left, right) => left.le - right.le)
  const bound = bounds[0]
  if (bound?.le === Number.POSITIVE_INFINITY) {
    return failure(`comparison.slowerThan: the histogram has no bucket that reaches ${slowerThan}`)
  }
  const failures = Math.max(0, requests - (bound?.count ?? 0))
  return success({ requests, failures, failing: `took longer than ${bound?.le ?? limit.value} ms` })
}

function sumByBound(increases: readonly Sample[], unitMs: number): readonly Bucket[] {
  const counts = new Map<number, number>()
  for (const { labels, value } of increases) {
    const le = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le) * unitMs
    if (!Number.isNaN(le)) counts.set(le, (counts.get(le) ?? 0) + value)
  }
  return [...counts].map(([le, count]) => ({ le, count }))
}
