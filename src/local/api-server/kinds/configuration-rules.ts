import { at, deepEqual, type JsonObject, objectAt, stringAt, without } from '../json.ts'
import { type Cause, forbiddenField, invalidValue } from '../status-error.ts'
import type { KindContext, KindRules } from './resource.ts'

const KEY = /^[-._a-zA-Z0-9]+$/
const keyWords =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"

const badKeys = (object: JsonObject, field: string): readonly Cause[] =>
  Object.keys(objectAt(object, field) ?? {})
    .filter((key) => !KEY.test(key))
    .map((key) => invalidValue(`${field}[${key}]`, key, keyWords))

function frozenFields(object: JsonObject, context: KindContext, fields: readonly string[]): readonly Cause[] {
  const before = context.previous
  if (before === undefined || at(before, 'immutable') !== true) return []
  return [...fields, 'immutable']
    .filter((field) => !deepEqual(at(before, field), at(object, field)))
    .map((field) => forbiddenField(field, 'field is immutable when `immutable` is set'))
}

export const configMapRules: KindRules = {
  validate: (object, context) => [
    ...badKeys(object, 'data'),
    ...badKeys(object, 'binaryData'),
    ...frozenFields(object, context, ['data', 'binaryData']),
  ],
}

/** stringData is for writing only: it lands in data as base64. */
function completeSecret(object: JsonObject): JsonObject {
  const written = Object.entries(objectAt(object, 'stringData') ?? {}).map(
    ([key, value]) => [key, Buffer.from(String(value)).toString('base64')] as const,
  )
  const type = stringAt(object, 'type') ?? 'Opaque'
  const kept = { ...without(object, 'stringData'), type }
  if (written.length === 0) return kept
  return { ...kept, data: { ...objectAt(object, 'data'), ...Object.fromEntries(written) } }
}

export const secretRules: KindRules = {
  fillDefaults: completeSecret,
  validate: (object, context) => [
    ...badKeys(object, 'data'),
    ...frozenFields(object, context, ['data']),
    ...(context.previous !== undefined && stringAt(context.previous, 'type') !== stringAt(object, 'type')
      ? [invalidValue('type', stringAt(object, 'type'), 'field is immutable')]
      : []),
  ],
}
