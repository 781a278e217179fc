import { z } from 'zod'
import { didYouMean, nearest } from './nearest.ts'
import { type Path, renderPath } from './path.ts'

/** What to do about a field that there is not: most are misspelt, or stand one level too deep or too high. */
export function fieldHint(schema: unknown, path: Path, field: string): string {
  const here = fieldsAt(schema, path)
  const near = nearest(field, here)
  if (near !== undefined) return didYouMean(near)
  const above = path
    .map((_, length) => path.slice(0, length))
    .toReversed()
    .find((place) => fieldsAt(schema, place).includes(field))
  const where = above === undefined ? placeBelow(schema, path, field) : renderPath(['spec', ...above, field])
  if (where !== undefined) return ` here; it belongs to ${where}`
  return here.length === 0 ? '' : `; there are ${here.join(', ')}`
}

/** What may stand at a place below `spec`; nothing where any name may. */
export function fieldsAt(schema: unknown, path: Path): readonly string[] {
  const found = path.reduce(stepInto, schema)
  return Object.entries(shapeOf(found)).flatMap(([name, value]) => (isRefused(value) ? [] : [name]))
}

/** Undefined where there is nothing below. */
function stepInto(schema: unknown, step: string | number): unknown {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodArray) return typeof step === 'number' ? inner.element : undefined
  return inner instanceof z.ZodRecord ? inner.valueType : shapeOf(inner)[String(step)]
}

function shapeOf(schema: unknown): Readonly<Record<string, unknown>> {
  const inner = unwrap(schema)
  return inner instanceof z.ZodObject ? inner.shape : {}
}

const isRefused = (schema: unknown): boolean => unwrap(schema) instanceof z.ZodUndefined

/** What is behind `optional` and `default`. */
export const unwrap = (schema: unknown): unknown =>
  schema instanceof z.ZodOptional || schema instanceof z.ZodDefault ? unwrap(schema.unwrap()) : schema

/** The nearest place further down that has the field. */
function placeBelow(schema: unknown, path: Path, field: string): string | undefined {
  let level: readonly { readonly schema: unknown; readonly place: string }[] = [
    { schema: path.reduce(stepInto, schema), place: renderPath(['spec', ...path]) },
  ]
  while (level.length > 0) {
    const found = level.find((each) => Object.hasOwn(shapeOf(each.schema), field))
    if (found !== undefined) return isRefused(shapeOf(found.schema)[field]) ? undefined : `${found.place}.${field}`
    level = level.flatMap((each) => childrenOf(each.schema, each.place))
  }
  return undefined
}

function childrenOf(schema: unknown, place: string): readonly { readonly schema: unknown; readonly place: string }[] {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodArray) return [{ schema: inner.element, place: `${place}[]` }]
  return Object.entries(shapeOf(inner)).map(([name, value]) => ({ schema: value, place: `${place}.${name}` }))
}
