import { deepEqual, isArray, isObject, type Json, type JsonObject, own } from '../json.ts'
import { isWrittenWhenEmpty } from '../schema/canonical-form.ts'
import { isAtomicMap, listKind, memberSchema, type TypeSchema } from '../schema/type-schema.ts'
import { emptySet, type FieldSet, fieldSet, leaf } from './field-set.ts'
import { fieldElement, itemElement, itemsByElement } from './path-element.ts'

/** Which fields differ between two states of an object. */
export interface Comparison {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
}

const same: Comparison = { added: emptySet, modified: emptySet, removed: emptySet }
const changed: Comparison = { ...same, modified: leaf }

export function compare(before: Json | undefined, after: Json | undefined, schema: TypeSchema | undefined): Comparison {
  if (before === undefined) return after === undefined ? same : { ...same, added: presence(after, schema) }
  if (after === undefined) return { ...same, removed: presence(before, schema) }
  if (isObject(before) && isObject(after) && !isAtomicMap(schema)) return compareObjects(before, after, schema)
  if (isArray(before) && isArray(after) && listKind(schema).kind !== 'atomic')
    return compareLists(before, after, schema)
  return deepEqual(before, after) ? same : changed
}

/** What comes or goes is a field itself, and so is every container in it. */
function presence(value: Json, schema: TypeSchema | undefined): FieldSet {
  if (isObject(value) && !isAtomicMap(schema)) {
    const children = Object.entries(value).flatMap(([key, child]) => {
      if (isNothing(value, key, schema)) return []
      const fields = presence(child, memberSchema(schema, key))
      return [[fieldElement(key), isAlwaysThere(schema, key) ? hidden(fields) : fields] as const]
    })
    return fieldSet(true, children)
  }
  if (!isArray(value) || listKind(schema).kind === 'atomic') return leaf
  const kind = listKind(schema)
  return fieldSet(
    true,
    value.map((item) => [itemElement(item, kind, schema?.items), presence(item, schema?.items)] as const),
  )
}

const hidden = (fields: FieldSet): FieldSet => (fields.children.size === 0 ? fields : { ...fields, member: false })

/** Structs and lists of a builtin type that Go writes even when they are empty: they never come or go. */
const alwaysThere = new Set([
  'metadata',
  'spec',
  'status',
  'template',
  'strategy',
  'updateStrategy',
  'jobTemplate',
  'loadBalancer',
  'containers',
  'names',
])

const isAlwaysThere = (schema: TypeSchema | undefined, key: string): boolean =>
  key === 'metadata' || (schema?.definition !== undefined && alwaysThere.has(key))

function compareObjects(before: JsonObject, after: JsonObject, schema: TypeSchema | undefined): Comparison {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return collect(
    [...keys].map((key) => {
      if (!Object.hasOwn(before, key) && isNothing(after, key, schema)) return [fieldElement(key), same]
      const difference = compare(own(before, key), own(after, key), memberSchema(schema, key))
      return [fieldElement(key), isAlwaysThere(schema, key) ? withoutSelf(difference) : difference]
    }),
  )
}

/** A null that the server writes came from nobody. */
const isNothing = (object: JsonObject, key: string, schema: TypeSchema | undefined): boolean =>
  own(object, key) === null && isWrittenWhenEmpty(schema, key)

const withoutSelf = ({ added, modified, removed }: Comparison): Comparison => ({
  added: hidden(added),
  modified,
  removed: hidden(removed),
})

function compareLists(before: readonly Json[], after: readonly Json[], schema: TypeSchema | undefined): Comparison {
  const kind = listKind(schema)
  const old = itemsByElement(before, kind, schema?.items)
  const fresh = itemsByElement(after, kind, schema?.items)
  return collect(
    [...new Set([...old.keys(), ...fresh.keys()])].map((element) => {
      const difference = compare(old.get(element), fresh.get(element), schema?.items)
      return [element, markItem(difference, old.has(element), fresh.has(element))]
    }),
  )
}

function markItem(difference: Comparison, was: boolean, is: boolean): Comparison {
  if (!was) return { ...difference, added: { ...difference.added, member: true } }
  return is ? difference : { ...difference, removed: { ...difference.removed, member: true } }
}

function collect(children: readonly (readonly [string, Comparison])[]): Comparison {
  return {
    added: fieldSet(
      false,
      children.map(([element, one]) => [element, one.added] as const),
    ),
    modified: fieldSet(
      false,
      children.map(([element, one]) => [element, one.modified] as const),
    ),
    removed: fieldSet(
      false,
      children.map(([element, one]) => [element, one.removed] as const),
    ),
  }
}
