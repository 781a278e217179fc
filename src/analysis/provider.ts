import type { Clock, Logger } from '../runtime/index.ts'

/** One element of an answer; a scalar is an element without labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  /** May be NaN or infinite: the judge decides what that means. */
  readonly value: number
}

/**
 * `query-error`: the server understood and refused, so asking again changes nothing.
 * `provider-down`: no usable answer came, so asking again may help.
 */
export interface ProviderProblem {
  readonly kind: 'query-error' | 'provider-down'
  readonly message: string
}

export type Answer = { readonly kind: 'samples'; readonly samples: readonly Sample[] } | ProviderProblem

/** A metric server. One file under providers/ per kind implements it; all pass one contract test. */
export interface MetricProvider {
  /** The value of a query at one instant. It never throws, and no message carries a credential. */
  instant(query: string, atMs: number, signal: AbortSignal): Promise<Answer>
}

export interface ProviderOptions {
  readonly address: string
  readonly clock: Clock
  readonly log: Logger
  readonly http: typeof fetch
}
