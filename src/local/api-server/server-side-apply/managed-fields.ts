import { arrayAt, compact, isObject, type Json, type JsonObject, stringAt, withAt, withoutAt } from '../json.ts'
import { type FieldSet, isEmptySet, parseFields, renderFields } from './field-set.ts'

export type Operation = 'Apply' | 'Update'

export interface Manager {
  readonly name: string
  readonly operation: Operation
  readonly apiVersion: string
  readonly subresource: string
}

export interface ManagedEntry extends Manager {
  readonly time: string | undefined
  readonly fields: FieldSet
}

export const isSameManager = (a: Manager, b: Manager): boolean =>
  a.name === b.name && a.operation === b.operation && a.apiVersion === b.apiVersion && a.subresource === b.subresource

export function readManagedFields(object: JsonObject): readonly ManagedEntry[] {
  return arrayAt(object, 'metadata', 'managedFields').filter(isObject).flatMap(readEntry)
}

function readEntry(entry: JsonObject): readonly ManagedEntry[] {
  const operation = stringAt(entry, 'operation')
  if (operation !== 'Apply' && operation !== 'Update') return []
  return [
    {
      name: stringAt(entry, 'manager') ?? '',
      operation,
      apiVersion: stringAt(entry, 'apiVersion') ?? '',
      subresource: stringAt(entry, 'subresource') ?? '',
      time: stringAt(entry, 'time'),
      fields: parseFields(entry.fieldsV1),
    },
  ]
}

/** One empty entry, `[{}]`, is the way to clear managedFields. */
export function isReset(object: JsonObject): boolean {
  const [first, ...rest] = arrayAt(object, 'metadata', 'managedFields')
  return rest.length === 0 && isObject(first) && Object.keys(first).length === 0
}

export function writeManagedFields(object: JsonObject, entries: readonly ManagedEntry[]): JsonObject {
  const kept = entries.filter((entry) => !isEmptySet(entry.fields))
  if (kept.length === 0) return withoutAt(object, ['metadata', 'managedFields'])
  return withAt(object, ['metadata', 'managedFields'], [...kept].sort(byOperationAndTime).map(renderEntry))
}

const byOperationAndTime = (a: ManagedEntry, b: ManagedEntry): number =>
  compareText(a.operation, b.operation) ||
  compareText(a.time ?? '', b.time ?? '') ||
  compareText(a.name, b.name) ||
  compareText(a.apiVersion, b.apiVersion) ||
  compareText(a.subresource, b.subresource)

const compareText = (a: string, b: string): number => {
  if (a === b) return 0
  return a < b ? -1 : 1
}

const renderEntry = (entry: ManagedEntry): Json =>
  compact({
    manager: entry.name,
    operation: entry.operation,
    apiVersion: entry.apiVersion,
    time: entry.time,
    fieldsType: 'FieldsV1',
    fieldsV1: renderFields(entry.fields),
    subresource: entry.subresource === '' ? undefined : entry.subresource,
  })
