import type { ObjectKey } from '../model/index.ts'
import type { Path } from './path.ts'

/** Of anything; nothing of what has none. */
export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {}

/** Undefined where there is nothing. */
export const fieldAt = (object: unknown, path: Path): unknown =>
  path.reduce<unknown>((at, step) => fieldsOf(at)[step], object)

export const listOf = (value: unknown): readonly ReturnType<typeof fieldsOf>[] =>
  Array.isArray(value) ? value.map(fieldsOf) : []

export function objectKeyOf(object: unknown): ObjectKey {
  const { kind, metadata } = fieldsOf(object)
  const { namespace, name } = fieldsOf(metadata)
  return { kind: textOr(kind, ''), namespace: textOr(namespace, 'default'), name: textOr(name, '') }
}

const textOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise)
