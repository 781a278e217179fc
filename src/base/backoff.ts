export interface BackoffRule {
  readonly firstMs: number
  readonly maxMs: number
}

/**
 * Milliseconds to wait before the retry of that number (1 is the first): doubled each time up to the maximum, then spread
 * over its upper half, so that many that failed together do not come back together. `random` is in 0 to 1.
 */
export function backoffMs(rule: BackoffRule, retry: number, random: number): number {
  const full = Math.min(rule.maxMs, rule.firstMs * 2 ** (retry - 1))
  return Math.round(full / 2 + (full / 2) * random)
}
