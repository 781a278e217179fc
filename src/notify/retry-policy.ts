import { backoffMs } from '../base/index.ts'
import type { OutboundResult } from '../runtime/index.ts'

const BACKOFF = { firstMs: 1_000, maxMs: 30_000 }
const MOST_TRIES = 5

/** A service that wants a longer rest than this is given up: the news would be old. */
const LONGEST_REST_MS = 120_000

export type DeliveryDecision =
  | { readonly kind: 'sent' }
  | { readonly kind: 'retry'; readonly afterMs: number }
  | { readonly kind: 'give-up'; readonly cause: string }

/** What follows from one try: silence, 5xx, 408 and 429 may pass, and who asks for a rest by Retry-After gets it. */
export function decideDelivery(state: {
  readonly result: OutboundResult
  readonly tries: number
  /** Milliseconds since 1970, against which a date in Retry-After is read. */
  readonly now: number
  /** In 0 to 1. */
  readonly random: number
}): DeliveryDecision {
  const { result, tries, now, random } = state
  if (result.kind === 'refused') return { kind: 'give-up', cause: result.cause }
  if (result.kind === 'no-answer') return retryOr(result.cause, { tries, random, restMs: 0 })
  if (result.status >= 200 && result.status < 300) return { kind: 'sent' }
  const cause = `it answered ${result.status}`
  if (!mayPass(result.status)) return { kind: 'give-up', cause }
  return retryOr(cause, { tries, random, restMs: parseRetryAfter(result.retryAfter, now) })
}

const mayPass = (status: number): boolean => status >= 500 || status === 429 || status === 408

function retryOr(
  cause: string,
  { tries, random, restMs }: { readonly tries: number; readonly random: number; readonly restMs: number },
): DeliveryDecision {
  if (tries >= MOST_TRIES) return { kind: 'give-up', cause: `${cause}, ${tries} times` }
  if (restMs > LONGEST_REST_MS) return { kind: 'give-up', cause: `${cause} and asks for ${restMs / 1_000} s of rest` }
  return { kind: 'retry', afterMs: Math.max(restMs, backoffMs(BACKOFF, tries, random)) }
}

/** Seconds or an HTTP date, as milliseconds from now; 0 when absent or unreadable. */
function parseRetryAfter(value: string | undefined, now: number): number {
  if (value === undefined) return 0
  const milliseconds = /^\d+$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - now
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : 0
}
