import type { Comparison } from '../../api/index.ts'
import type { Result } from '../../base/index.ts'
import type { Sample } from '../provider.ts'
import type { Arm } from '../statistics/arm.ts'

/** One of the two versions, as its callers and its pods know it. */
export interface Backend {
  readonly namespace: string
  readonly workload: string
  /** Service that leads to this version alone. */
  readonly service: string
}

/** What the counters of a window amount to for a comparison, and what a failure is in words. */
export interface Counted extends Arm {
  readonly failing: string
}

/** What the counters of a window amount to; `value` is absent where nothing was measured. */
export interface Measurement {
  readonly value?: number | undefined
  readonly requests?: number | undefined
  readonly errors?: number | undefined
  /** The evidence in words: `20 of 70 requests failed`. */
  readonly evidence: string
}

/** A metric that needs no template: pure query building and pure reading of what counters gained. */
export interface BuiltinMetric {
  /** How sentences call it. */
  readonly title: string
  readonly unit: 'percent' | 'milliseconds'
  /** How long the proxy keeps what it counted to itself: Envoy its histograms, others nothing. */
  readonly flushMs: number
  /** Raw counters, asked at both ends of the window. `range` is a PromQL length of time. */
  query(backend: Backend, range: string): string
  /**
   * The same counters for many versions in one query, summed over their pods; a superset may come back. Absent where
   * the series of a data plane can not be told apart that way.
   */
  queryTogether?(backends: readonly Backend[], range: string): string
  /** Whether a series of those queries is of this version. */
  isOf(backend: Backend, sample: Sample): boolean
  /** Reads the increases of the counters between both ends. */
  read(increases: readonly Sample[]): Measurement
  /** The same increases as counts to compare. */
  count(increases: readonly Sample[], comparison: Pick<Comparison, 'slowerThan'>): Result<Counted>
}
