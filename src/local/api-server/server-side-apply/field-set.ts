import { isObject, type Json, type JsonObject } from '../json.ts'

/**
 * A set of field paths as a tree. Path elements are those of FieldsV1: `f:name`, `k:{"key":"value"}` for an item of a
 * list of maps, `v:"value"` for an item of a set. `member` says that the path that leads here is itself in the set.
 */
export interface FieldSet {
  readonly member: boolean
  readonly children: ReadonlyMap<string, FieldSet>
}

export const emptySet: FieldSet = { member: false, children: new Map() }
export const leaf: FieldSet = { member: true, children: new Map() }

export const isEmptySet = (set: FieldSet): boolean => !set.member && set.children.size === 0

/** Drops empty branches, so that an empty set is always `emptySet`-like. */
export function fieldSet(member: boolean, children: Iterable<readonly [string, FieldSet]>): FieldSet {
  const kept = new Map<string, FieldSet>()
  for (const [element, child] of children) if (!isEmptySet(child)) kept.set(element, child)
  return { member, children: kept }
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a)) return b
  if (isEmptySet(b)) return a
  const children = new Map(a.children)
  for (const [element, child] of b.children) {
    const other = children.get(element)
    children.set(element, other === undefined ? child : union(other, child))
  }
  return { member: a.member || b.member, children }
}

export const unionAll = (sets: readonly FieldSet[]): FieldSet => sets.reduce(union, emptySet)

/** The paths of a that are not in b. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return a
  return fieldSet(
    a.member && !b.member,
    [...a.children].map(
      ([element, child]) => [element, difference(child, b.children.get(element) ?? emptySet)] as const,
    ),
  )
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return fieldSet(
    a.member && b.member,
    [...a.children].map(
      ([element, child]) => [element, intersection(child, b.children.get(element) ?? emptySet)] as const,
    ),
  )
}

/** Removes whole branches: everything at or under the paths of `branches`. */
export function withoutBranches(set: FieldSet, branches: FieldSet): FieldSet {
  if (branches.member) return emptySet
  return fieldSet(
    set.member,
    [...set.children].map(
      ([element, child]) => [element, withoutBranches(child, branches.children.get(element) ?? emptySet)] as const,
    ),
  )
}

/** Every named ancestor becomes a member too. */
export const withAncestors = (set: FieldSet): FieldSet => ({
  member: true,
  children: new Map([...set.children].map(([element, child]) => [element, withAncestors(child)] as const)),
})

export function setsEqual(a: FieldSet, b: FieldSet): boolean {
  if (a.member !== b.member || a.children.size !== b.children.size) return false
  return [...a.children].every(([element, child]) => setsEqual(child, b.children.get(element) ?? emptySet))
}

/** In Kubernetes' order: the members of a level before what is below them. */
export function pathsOf(set: FieldSet, prefix: readonly string[] = []): readonly (readonly string[])[] {
  const children = [...set.children].sort(([a], [b]) => (a < b ? -1 : 1))
  const here = children.filter(([, child]) => child.member).map(([element]) => [...prefix, element])
  return [...here, ...children.flatMap(([element, child]) => pathsOf(child, [...prefix, element]))]
}

export function setOfPath(path: readonly string[]): FieldSet {
  const [first, ...rest] = path
  return first === undefined ? leaf : { member: false, children: new Map([[first, setOfPath(rest)]]) }
}

/** FieldsV1 as it stands in metadata.managedFields. */
export function renderFields(set: FieldSet): JsonObject {
  const out: { [key: string]: Json } = {}
  if (set.member && set.children.size > 0) out['.'] = {}
  for (const element of [...set.children.keys()].sort()) {
    const child = set.children.get(element)
    if (child !== undefined) out[element] = renderFields(child)
  }
  return out
}

export function parseFields(fields: Json | undefined): FieldSet {
  if (!isObject(fields)) return emptySet
  const parse = (value: Json): FieldSet => {
    if (!isObject(value)) return leaf
    const entries = Object.entries(value).filter(([element]) => element !== '.')
    if (entries.length === 0) return leaf
    return fieldSet(
      Object.hasOwn(value, '.'),
      entries.map(([element, child]) => [element, parse(child)] as const),
    )
  }
  const parsed = parse(fields)
  return { member: false, children: parsed.children }
}

/** `.spec.containers[name="web"].image`, as conflicts name fields. */
export const showPath = (path: readonly string[]): string => path.map(showElement).join('')

function showElement(element: string): string {
  const body = element.slice(2)
  if (element.startsWith('f:')) return `.${body}`
  if (element.startsWith('v:')) return `[=${body}]`
  if (element.startsWith('i:')) return `[${body}]`
  const keys: unknown = JSON.parse(body)
  if (!isObject(keys)) return `[${body}]`
  return `[${Object.entries(keys)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(',')}]`
}
