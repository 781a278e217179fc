import type { ObjectKey } from '../model/index.ts'

/** Of anything; nothing of what has none. */
export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {}

export function objectKeyOf(object: unknown): ObjectKey {
  const { kind, metadata } = fieldsOf(object)
  const { namespace, name } = fieldsOf(metadata)
  return { kind: textOr(kind, ''), namespace: textOr(namespace, 'default'), name: textOr(name, '') }
}

const textOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise)
