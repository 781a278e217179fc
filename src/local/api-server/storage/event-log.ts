import type { JsonObject } from '../json.ts'

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED'

export interface Change {
  readonly type: ChangeType
  /** `group/plural`: where objects of a kind are kept, whatever version they are served in. */
  readonly resource: string
  readonly key: string
  readonly revision: number
  /** The new state; for DELETED the last one, with the revision of the deletion. */
  readonly object: JsonObject
  readonly previous: JsonObject | undefined
}

/** The last changes of each resource, so that a watch can begin in the past. */
export interface EventLog {
  append(change: Change): void
  /** Changes after the revision, or undefined when some of them are forgotten. */
  since(resource: string, revision: number): readonly Change[] | undefined
}

/** `floor` is the revision at which the log begins: older watches are told 410. */
export function createEventLog(floor: number, capacity = 4096): EventLog {
  const changes = new Map<string, Change[]>()
  const forgotten = new Map<string, number>()
  return {
    append(change) {
      const list = changes.get(change.resource) ?? []
      changes.set(change.resource, list)
      list.push(change)
      // Dropped by the quarter: shifting an array of thousands at every write would cost more than the memory.
      if (list.length > capacity * 1.25) {
        const dropped = list.splice(0, list.length - capacity)
        forgotten.set(change.resource, dropped.at(-1)?.revision ?? floor)
      }
    },
    since(resource, revision) {
      if (revision < (forgotten.get(resource) ?? floor)) return undefined
      const list = changes.get(resource) ?? []
      let start = list.length
      while (start > 0 && (list[start - 1]?.revision ?? 0) > revision) start -= 1
      return list.slice(start)
    },
  }
}
