import { canonical, isObject, type Json, own } from '../json.ts'

/**
 * Orders a merged list as the patch's $setElementOrder wants: named items in its order, the server's own items
 * stay behind the neighbour that they followed.
 */
export function orderList(
  list: readonly Json[],
  order: readonly Json[],
  mergeKey: string | undefined,
): readonly Json[] {
  const identity = (item: Json): string =>
    canonical(mergeKey !== undefined && isObject(item) ? own(item, mergeKey) : item)
  const rank = new Map(order.map((item, index) => [identity(item), index]))
  const named = list
    .filter((item) => rank.has(identity(item)))
    .sort((a, b) => (rank.get(identity(a)) ?? 0) - (rank.get(identity(b)) ?? 0))
  const out: Json[] = []
  let next = 0
  for (const item of list) {
    if (!rank.has(identity(item))) {
      out.push(item)
      continue
    }
    const chosen = named[next]
    next += 1
    if (chosen !== undefined) out.push(chosen)
  }
  return out
}
