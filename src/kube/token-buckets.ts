export interface TokenBuckets {
  /** Takes one token of the key; false when it has none left. */
  take(key: string, monotonic: number): boolean
}

interface Bucket {
  readonly tokens: number
  readonly at: number
}

/** A bucket for each key: `burst` at once, then one for each `refillMs`. The least used ones are forgotten. */
export function createTokenBuckets(limits: {
  readonly burst: number
  readonly refillMs: number
  readonly remembered: number
}): TokenBuckets {
  const buckets = new Map<string, Bucket>()
  return {
    take(key, monotonic) {
      const { tokens, at } = buckets.get(key) ?? { tokens: limits.burst, at: monotonic }
      const full = Math.min(limits.burst, tokens + (monotonic - at) / limits.refillMs)
      buckets.delete(key)
      buckets.set(key, { tokens: full >= 1 ? full - 1 : full, at: monotonic })
      const oldest = buckets.keys().next()
      if (buckets.size > limits.remembered && !oldest.done) buckets.delete(oldest.value)
      return full >= 1
    },
  }
}
