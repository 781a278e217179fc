import { isArray, isObject, type Json } from '../json.ts'
import { isAtomicMap, isDeclared, listKind, memberSchema, type TypeSchema } from '../schema/type-schema.ts'
import { type FieldSet, fieldSet, leaf } from './field-set.ts'
import { fieldElement, itemElement } from './path-element.ts'

/** The field set of an applied configuration: what its manager will own. */
export function fieldsOf(value: Json, schema: TypeSchema | undefined): FieldSet {
  if (isArray(value)) return fieldsOfList(value, schema)
  if (!isObject(value) || isAtomicMap(schema)) return leaf
  return fieldSet(
    false,
    Object.entries(value).map(([key, child]) => member(key, child, schema)),
  )
}

function member(key: string, child: Json, schema: TypeSchema | undefined): readonly [string, FieldSet] {
  const type = memberSchema(schema, key)
  const fields = fieldsOf(child, type)
  const isMember = child === null || isEmptyObject(child) || !isDeclared(schema, key)
  return [fieldElement(key), isMember ? { ...fields, member: true } : fields]
}

const isEmptyObject = (value: Json): boolean => isObject(value) && Object.keys(value).length === 0

function fieldsOfList(value: readonly Json[], schema: TypeSchema | undefined): FieldSet {
  const kind = listKind(schema)
  if (kind.kind === 'atomic') return leaf
  return fieldSet(
    false,
    value.map((item) => {
      const fields = fieldsOf(item, schema?.items)
      return [itemElement(item, kind, schema?.items), { ...fields, member: true }] as const
    }),
  )
}

const serverOwned = ['namespace', 'name', 'uid', 'creationTimestamp', 'selfLink', 'generation', 'managedFields']
const neverOwned = [...serverOwned, 'resourceVersion', 'deletionTimestamp', 'deletionGracePeriodSeconds']

/** Identity and what the server writes belong to no manager. */
export const systemFields: FieldSet = fieldSet(false, [
  ['f:apiVersion', leaf],
  ['f:kind', leaf],
  [
    'f:metadata',
    fieldSet(
      false,
      neverOwned.map((name) => [fieldElement(name), leaf] as const),
    ),
  ],
])
