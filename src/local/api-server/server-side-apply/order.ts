import type { Json } from '../json.ts'

/** The wanted items stand in the wanted order; the others keep their places between them. */
export function orderByElement(items: ReadonlyMap<string, Json>, wanted: readonly string[]): readonly Json[] {
  const isWanted = new Set(wanted)
  const queue = [...wanted]
  return [...items.keys()].flatMap((element) => {
    const chosen = isWanted.has(element) ? queue.shift() : element
    const item = chosen === undefined ? undefined : items.get(chosen)
    return item === undefined ? [] : [item]
  })
}
