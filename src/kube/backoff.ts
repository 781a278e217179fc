/** A number in [0, 1), injected so that tests decide it. */
export type Random = () => number

export interface Backoff {
  /** The next wait in milliseconds. */
  next(): number
  reset(): void
}

/** Waits that double from `baseMs` up to `capMs`, each spread over a third so that clients do not march in step. */
export function createBackoff(limits: { readonly baseMs: number; readonly capMs: number }, random: Random): Backoff {
  let failures = 0
  return {
    next() {
      const wait = backoffMs(limits, failures, random)
      failures += 1
      return wait
    },
    reset() {
      failures = 0
    },
  }
}

/** The wait after so many failures in a row before this one. */
export function backoffMs(
  limits: { readonly baseMs: number; readonly capMs: number },
  failures: number,
  random: Random,
): number {
  const longest = Math.min(limits.capMs, limits.baseMs * 1.5 * 2 ** Math.min(failures, 30))
  return longest * (1 - random() / 3)
}
