import { canonical, isObject, type Json } from '../json.ts'
import { type ListKind, listMapKey, type TypeSchema } from '../schema/type-schema.ts'

export const fieldElement = (name: string): string => `f:${name}`

/** The path element of a list's item: by its keys, or by its value in a set. */
export function itemElement(item: Json, kind: ListKind, items: TypeSchema | undefined): string {
  if (kind.kind === 'map' && isObject(item)) return `k:${canonical(listMapKey(item, kind.keys, items))}`
  return `v:${canonical(item)}`
}

/** Items by path element; of equal ones the last counts. */
export const itemsByElement = (
  list: readonly Json[],
  kind: ListKind,
  items: TypeSchema | undefined,
): ReadonlyMap<string, Json> => new Map(list.map((item) => [itemElement(item, kind, items), item]))
