import { builtinTypes } from '../generated/builtin-types.ts'
import { atomicTypes, fieldAnnotations } from './merge-keys.ts'
import type { TypeSchema } from './type-schema.ts'

const known = new Map<string, TypeSchema>()

const scalars: Readonly<Record<string, TypeSchema>> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
  time: { type: 'string', format: 'date-time', nullable: true },
  microtime: { type: 'string', format: 'date-time', nullable: true },
  intOrString: { 'x-kubernetes-int-or-string': true },
  any: { 'x-kubernetes-preserve-unknown-fields': true },
}

/** The schema of a builtin type by the name of its model; one object per type, so that cycles close. */
export function builtinSchema(model: string): TypeSchema {
  const existing = known.get(model)
  if (existing !== undefined) return existing
  const properties: { [name: string]: TypeSchema } = {}
  const required: string[] = []
  const schema: TypeSchema = {
    definition: model,
    type: 'object',
    properties,
    required,
    ...(atomicTypes.has(model) ? { 'x-kubernetes-map-type': 'atomic' as const } : {}),
  }
  known.set(model, schema)
  for (const [field, text] of Object.entries(builtinTypes[model] ?? {})) {
    if (text.endsWith('!')) required.push(field)
    const type = parseType(text.replace(/!$/, ''))
    const annotations = fieldAnnotations[model]?.[field]
    properties[field] = annotations === undefined ? type : { ...type, ...annotations }
  }
  return schema
}

function parseType(text: string): TypeSchema {
  if (text.startsWith('[]')) return { type: 'array', items: parseType(text.slice(2)) }
  if (text.startsWith('{}')) return { type: 'object', additionalProperties: parseType(text.slice(2)) }
  return scalars[text] ?? builtinSchema(text)
}

export const objectMetaSchema = (): TypeSchema => builtinSchema('V1ObjectMeta')
