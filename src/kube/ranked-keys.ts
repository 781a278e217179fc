/** Urgent keys go before patient ones, and the first before all. */
export type Rank = (typeof ranks)[number]

const ranks = ['first', 'urgent', 'patient'] as const

/** Keys that wait, each once. */
export interface RankedKeys {
  /** One that waits already keeps its place, unless it comes sooner in another rank. */
  add(key: string, rank: Rank): void
  /** Takes the key that waits longest in the first of these ranks that has any. */
  take(...from: readonly Rank[]): string | undefined
}

export function createRankedKeys(): RankedKeys {
  const waiting = { first: new Set<string>(), urgent: new Set<string>(), patient: new Set<string>() }
  return {
    add(key, rank) {
      const current = ranks.find((each) => waiting[each].has(key))
      if (current !== undefined && ranks.indexOf(current) <= ranks.indexOf(rank)) return
      if (current !== undefined) waiting[current].delete(key)
      waiting[rank].add(key)
    },
    take(...from) {
      for (const rank of from)
        for (const key of waiting[rank]) {
          waiting[rank].delete(key)
          return key
        }
      return undefined
    },
  }
}
