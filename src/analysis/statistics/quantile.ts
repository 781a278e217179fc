export interface Bucket {
  /** Upper bound, inclusive; the last one is infinite. */
  readonly le: number
  /** Observations up to the bound: the counts never fall. */
  readonly count: number
}

/**
 * The quantile of a cumulative histogram, as Prometheus' `histogram_quantile` has it: linear inside a bucket whose
 * lower bound is that of the bucket before (0 for the first), and the largest finite bound for whatever lies beyond.
 * Undefined without observations or without an infinite bucket.
 */
export function quantile(q: number, unordered: readonly Bucket[]): number | undefined {
  const buckets = rising([...unordered].sort((left, right) => left.le - right.le))
  const total = buckets.at(-1)
  if (total === undefined || total.le !== Number.POSITIVE_INFINITY || total.count <= 0) return undefined
  const rank = q * total.count
  const index = buckets.findIndex((bucket) => bucket.count >= rank)
  const found = buckets[index]
  const previous = buckets[index - 1]
  if (found === undefined || found.le === Number.POSITIVE_INFINITY) return previous?.le
  if (previous === undefined && found.le <= 0) return found.le
  const [lower, below] = [previous?.le ?? 0, previous?.count ?? 0]
  return lower + ((found.le - lower) * (rank - below)) / (found.count - below)
}

/** Scrapes of two pods are not one instant, so sums of their buckets may fall a little. */
function rising(buckets: readonly Bucket[]): readonly Bucket[] {
  let highest = 0
  return buckets.map(({ le, count }) => {
    highest = Math.max(highest, count)
    return { le, count: highest }
  })
}
