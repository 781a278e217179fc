import type { z } from 'zod'

/**
 * A rule that plain bounds cannot say, written twice side by side: as CEL for the API server, which refuses the
 * object, and as a predicate for our own parser, which must not trust an API server that skipped it.
 */
export interface Rule<T> {
  readonly cel: string
  readonly message: string
  /** Field of the value that the refusal names; the value itself when absent. */
  readonly field?: string
  readonly holds: (value: T) => boolean
}

export function withRules<S extends z.ZodType>(schema: S, rules: readonly Rule<z.output<S>>[]): S {
  const checked = schema.superRefine((value, context) => {
    for (const { holds, message, field } of rules) {
      if (!holds(value)) context.addIssue({ code: 'custom', message, path: field === undefined ? [] : [field] })
    }
  })
  return checked.meta({
    'x-kubernetes-validations': rules.map(({ cel, message, field }) => ({
      rule: cel,
      message,
      ...(field === undefined ? {} : { fieldPath: `.${field}` }),
    })),
  })
}

/** A list whose items are told apart by one field: no two are alike there, and server-side apply merges by it. */
export function mapListBy<S extends z.ZodArray<z.ZodType<Readonly<Record<string, unknown>>>>>(key: string, list: S): S {
  const checked = list.superRefine((items, context) => {
    for (const [index, item] of items.entries()) {
      if (items.findIndex((other) => other[key] === item[key]) === index) continue
      const message = `Duplicate value: ${JSON.stringify({ [key]: item[key] })}`
      context.addIssue({ code: 'custom', message, path: [index] })
    }
  })
  return checked.meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] })
}
