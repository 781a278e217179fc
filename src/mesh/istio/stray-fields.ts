import { z } from 'zod'
import { isRecord } from '../../base/index.ts'
import type { Path } from './path.ts'
import type { SpecIssue } from './read-spec.ts'
import { fieldHint, unwrap } from './schema-fields.ts'

/** Fields that a schema passes over in silence, as an API server that is not asked for more does. */
export const strayFields = (schema: z.ZodType, spec: unknown): readonly SpecIssue[] =>
  straysIn(schema, spec, []).map((path) => {
    const hint = fieldHint(schema, path.slice(0, -1), String(path.at(-1)))
    return { path, code: 'UnknownField', message: `there is no such field${hint}` }
  })

function straysIn(schema: unknown, value: unknown, path: Path): readonly Path[] {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodArray) {
    return Array.isArray(value) ? value.flatMap((item, index) => straysIn(inner.element, item, [...path, index])) : []
  }
  if (!isRecord(value)) return []
  if (inner instanceof z.ZodRecord) {
    return Object.entries(value).flatMap(([name, item]) => straysIn(inner.valueType, item, [...path, name]))
  }
  // One that takes any field, or refuses what it does not know by itself.
  if (!(inner instanceof z.ZodObject) || inner.def.catchall !== undefined) return []
  return Object.entries(value).flatMap(([name, item]) => {
    const known: unknown = Object.hasOwn(inner.shape, name) ? inner.shape[name] : undefined
    return known === undefined ? [[...path, name]] : straysIn(known, item, [...path, name])
  })
}
