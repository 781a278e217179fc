import type { MetricProviderSpec } from '../api/index.ts'
import type { Clock } from '../runtime/index.ts'
import type { Connections } from './connections.ts'
import type { JobRunner } from './jobs.ts'
import type { MeasureRequest } from './port.ts'

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
  /** The answer is still being made: the same question later gets it, and starts nothing anew. */
  readonly isPending?: boolean
}

export interface Samples {
  readonly kind: 'samples'
  readonly samples: readonly Sample[]
  /** What the server remarked about a whole answer. */
  readonly warnings?: readonly string[]
}

export type Answer = Samples | ProviderProblem

/** A metric server. One file under providers/ per kind implements it; all pass one contract test. */
export interface MetricProvider {
  /**
   * The newest value of each series that the query finds in the window; what is older than the window is no evidence.
   * It never throws, and no message carries a credential.
   */
  newest(query: string, window: MeasureRequest['window'], signal: AbortSignal): Promise<Answer>
}

/** A server that keeps raw counters and tells their value at any instant, as the built-in metrics need. */
export interface InstantProvider extends MetricProvider {
  /** The value of a query at one instant. */
  instant(query: string, atMs: number, signal: AbortSignal): Promise<Answer>
}

export interface ProviderOptions {
  readonly provider: MetricProviderSpec
  /** Address that stands in where the provider has none. */
  readonly metricsServer: string
  /** Decoded values of the Secret; empty without one. */
  readonly secret: Readonly<Record<string, string>>
  readonly clock: Clock
  /** Variables of the process: ambient credentials of clouds are found by them. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly jobs?: JobRunner | undefined
  /** Those of one question when absent. */
  readonly connections?: Connections | undefined
  /** Which check asks, for servers that work on each one anew. */
  readonly check?: CheckIdentity | undefined
}

export interface CheckIdentity {
  /** Of the Canary. */
  readonly namespace: string
  readonly metric: string
  /** The same for every question of one check, whoever asks it again. */
  readonly id: string
  readonly run?: MeasureRequest['run']
}
