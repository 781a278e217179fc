import { backoffMs } from '../base/index.ts'
import type { OutboundResult } from '../runtime/index.ts'

/** Flagger's: one second at first, thirty at most. */
const BACKOFF = { firstMs: 1_000, maxMs: 30_000 }

export type RetryDecision = { readonly kind: 'retry'; readonly afterMs: number } | { readonly kind: 'settled' }

/** Flagger's rule: a network error, a 5xx or a 429 may pass, everything else is an answer. */
export function decideRetry(state: {
  readonly result: OutboundResult
  /** Calls made so far. */
  readonly calls: number
  readonly retries: number
  /** In 0 to 1. */
  readonly random: number
}): RetryDecision {
  if (!mayPass(state.result) || state.calls > state.retries) return { kind: 'settled' }
  return { kind: 'retry', afterMs: backoffMs(BACKOFF, state.calls, state.random) }
}

function mayPass(result: OutboundResult): boolean {
  if (result.kind === 'answer') return result.status >= 500 || result.status === 429
  return result.kind === 'no-answer'
}
