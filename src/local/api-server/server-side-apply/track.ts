import { isObject, type Json, type JsonObject, withoutAt } from '../json.ts'
import type { TypeSchema } from '../schema/type-schema.ts'
import { applyConflict, type Cause } from '../status-error.ts'
import { compare } from './compare.ts'
import {
  difference,
  emptySet,
  type FieldSet,
  intersection,
  isEmptySet,
  pathsOf,
  setsEqual,
  showPath,
  union,
  unionAll,
  withAncestors,
  withoutBranches,
} from './field-set.ts'
import {
  isReset,
  isSameManager,
  type ManagedEntry,
  type Manager,
  readManagedFields,
  writeManagedFields,
} from './managed-fields.ts'
import { mergeConfiguration, removeFields } from './merge.ts'
import { fieldsOf, systemFields } from './object-fields.ts'

export interface Tracking {
  readonly manager: Manager
  readonly schema: TypeSchema
  readonly time: string | undefined
  /** Fields that this endpoint never writes, such as status on the main resource. */
  readonly reset: FieldSet
}

const bare = (object: JsonObject): JsonObject => withoutAt(object, ['metadata', 'managedFields'])

/** managedFields after a create, update or patch: the manager owns what it changed, others lose what it changed. */
export function trackUpdate(live: JsonObject | undefined, next: JsonObject, tracking: Tracking): JsonObject {
  const entries = startingEntries(live, next)
  const change = compare(live === undefined ? {} : bare(live), bare(next), tracking.schema)
  const written = withoutBranches(union(change.added, change.modified), union(systemFields, tracking.reset))
  const others = entries
    .filter((entry) => !isSameManager(entry, tracking.manager))
    .map((entry) => ({ ...entry, fields: difference(difference(entry.fields, written), change.removed) }))
  const mine = entries.find((entry) => isSameManager(entry, tracking.manager))
  const fields = difference(union(mine?.fields ?? emptySet, written), change.removed)
  return writeManagedFields(next, [...others, stamp(mine, fields, tracking)])
}

function startingEntries(live: JsonObject | undefined, next: JsonObject): readonly ManagedEntry[] {
  if (isReset(next)) return []
  const given = readManagedFields(next)
  return given.length > 0 || live === undefined ? given : readManagedFields(live)
}

const stamp = (before: ManagedEntry | undefined, fields: FieldSet, tracking: Tracking): ManagedEntry => {
  const unchanged = before !== undefined && setsEqual(before.fields, fields)
  return { ...tracking.manager, fields, time: unchanged ? before.time : tracking.time }
}

export interface Applied {
  readonly object: JsonObject
  readonly entries: readonly ManagedEntry[]
}

/** Merges an applied configuration; throws the conflict when others own what it changes and force is off. */
export function applyConfiguration(
  live: JsonObject,
  configuration: JsonObject,
  tracking: Tracking & { readonly force: boolean },
): Applied {
  const before = bare(live)
  const entries = startingOwners(live, tracking)
  const mine = entries.find((entry) => isSameManager(entry, tracking.manager))
  const others = entries.filter((entry) => !isSameManager(entry, tracking.manager))
  const owned = withoutBranches(fieldsOf(configuration, tracking.schema), union(systemFields, tracking.reset))
  const merged = mergeConfiguration(before, configuration, tracking.schema)
  const dropped = droppedFields(mine?.fields ?? emptySet, union(owned, unionAll(others.map((entry) => entry.fields))))
  const pruned = removeFields(merged, dropped, tracking.schema)
  const next = isObject(pruned) ? pruned : before
  const change = compare(before, next, tracking.schema)
  const written = union(change.added, change.modified)
  if (!tracking.force) refuseConflicts(others, written)
  const kept = others.map((entry) => ({
    ...entry,
    fields: difference(difference(entry.fields, written), change.removed),
  }))
  return { object: next, entries: [...kept, stamp(mine, owned, tracking)] }
}

/** Fields of an object that nobody has tracked yet belong to whoever was there before the first apply. */
function startingOwners(live: JsonObject, tracking: Tracking): readonly ManagedEntry[] {
  const known = readManagedFields(live)
  if (known.length > 0) return known
  const { added } = compare({}, bare(live), tracking.schema)
  const fields = withoutBranches(added, union(systemFields, tracking.reset))
  const manager: Manager = { ...tracking.manager, name: 'before-first-apply', operation: 'Update', subresource: '' }
  return isEmptySet(fields) ? [] : [{ ...manager, fields, time: tracking.time }]
}

/**
 * What the manager applied last time and applies no more, unless somebody else owns it. The containers of the fields
 * count too: a struct that nobody owns anything of goes with the defaults that were filled in.
 */
function droppedFields(last: FieldSet, ownedNow: FieldSet): FieldSet {
  if (isEmptySet(last)) return emptySet
  const gone = difference(withAncestors(last), withAncestors(ownedNow))
  return { ...gone, member: false }
}

function refuseConflicts(others: readonly ManagedEntry[], written: FieldSet): void {
  const conflicts = others
    .map((entry) => ({ entry, paths: pathsOf(intersection(entry.fields, written)).map(showPath) }))
    .filter((one) => one.paths.length > 0)
  if (conflicts.length === 0) return
  const count = conflicts.reduce((sum, one) => sum + one.paths.length, 0)
  const causes: Cause[] = conflicts.flatMap(({ entry, paths }) =>
    paths.map((field) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${showManager(entry)}`,
      field,
    })),
  )
  const lines = conflicts.map(({ entry, paths }) => {
    const [only] = paths
    if (paths.length === 1) return `conflict with ${showManager(entry)}: ${only}`
    return `conflicts with ${showManager(entry)}:\n${paths.map((path) => `- ${path}`).join('\n')}`
  })
  throw applyConflict(`Apply failed with ${count} conflict${count === 1 ? '' : 's'}: ${lines.join('\n')}`, causes)
}

function showManager(entry: ManagedEntry): string {
  const subresource = entry.subresource === '' ? '' : ` with subresource "${entry.subresource}"`
  if (entry.operation === 'Apply') return `"${entry.name}"${subresource}`
  return `"${entry.name}"${subresource} using ${entry.apiVersion}`
}

/** A configuration must not carry managedFields of its own. */
export const carriesManagedFields = (configuration: JsonObject): boolean => {
  const given: Json | undefined = isObject(configuration.metadata) ? configuration.metadata.managedFields : undefined
  return Array.isArray(given) && given.length > 0
}
