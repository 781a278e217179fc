import { isSameList } from './equal.ts'

/** Makes a value anew only when something that it is made of is another one than the last time. */
export type Keep<Value> = (of: readonly unknown[], make: () => Value) => Value

export function keepLast<Value>(): Keep<Value> {
  let last: { readonly of: readonly unknown[]; readonly value: Value } | undefined
  return (of, make) => {
    if (last === undefined || !isSameList(last.of, of)) last = { of, value: make() }
    return last.value
  }
}

/** The same list as the last time while it has the same members. */
export function keepList<Member>(): (list: readonly Member[]) => readonly Member[] {
  let last: readonly Member[] | undefined
  return (list) => {
    if (last === undefined || !isSameList(last, list)) last = list
    return last
  }
}
