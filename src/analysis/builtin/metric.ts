import type { Subject } from '../port.ts'
import type { Sample } from '../provider.ts'

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
  /** True for histograms, whose counts Envoy publishes with a delay. */
  readonly flushed: boolean
  /** Raw counters, asked at both ends of the window. `range` is a PromQL length of time. */
  query(subject: Subject, range: string): string
  /** Reads the increases of the counters between both ends. */
  read(increases: readonly Sample[]): Measurement
}
