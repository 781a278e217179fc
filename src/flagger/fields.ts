import { isRecord } from '../base/index.ts'

/** Data of an object that Flagger's CRD took: fields are looked at one by one. */
export type Fields = Readonly<Record<string, unknown>>

export const fieldsOf = (value: unknown): Fields => (isRecord(value) ? value : {})

export const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : [])

/** Without the fields that are not set, so that defaults are filled where nothing was said. */
export const compact = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null))

export const pick = (fields: Fields, names: readonly string[]): Fields =>
  compact(Object.fromEntries(names.map((name) => [name, fields[name]])))
