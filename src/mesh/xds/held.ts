import { remember } from '../../base/index.ts'
import { differencesBetween, noResources, type Resources, type SnapshotResource } from './resources.ts'

/** What a proxy has of one name; of what it only told of nothing else is known. */
export type HeldResource = SnapshotResource | { readonly name: string; readonly version: string }

/** What a proxy has of one type: a map that many share, and where the proxy differs from it (undefined: lacks it). */
export interface Held {
  readonly base: ReadonlyMap<string, HeldResource>
  readonly changes: ReadonlyMap<string, HeldResource | undefined>
}

const holdsJust = remember((base: Held['base']): Held => ({ base, changes: new Map() }))

export const holdsNothing: Held = holdsJust(noResources)

export const heldOf = ({ base, changes }: Held, name: string): HeldResource | undefined =>
  changes.has(name) ? changes.get(name) : base.get(name)

/** True when the proxy has the map and nothing else. */
export const holdsAllOf = ({ base, changes }: Held, target: Resources): boolean => base === target && changes.size === 0

/** Names whose held resource is another than the target's; those that the target lacks included. */
export function differing(held: Held, target: Resources): readonly string[] {
  if (held.base === target) return [...held.changes.keys()]
  const differences = differencesBetween(held.base, target)
  const names = held.changes.size === 0 ? differences : new Set([...differences, ...held.changes.keys()])
  return [...names].filter((name) => heldOf(held, name)?.version !== target.get(name)?.version)
}

/** The same, said as what differs from the target, after the given names became as they are there. */
export function holdAs(held: Held, target: Resources, updated: ReadonlySet<string>): Held {
  if (held.base === target && updated.size === 0) return held
  const changes = differing(held, target).filter((name) => !updated.has(name))
  if (changes.length === 0) return holdsJust(target)
  return { base: target, changes: new Map(changes.map((name) => [name, heldOf(held, name)])) }
}

/** As if the proxy had these. */
export function hold(held: Held, resources: readonly HeldResource[]): Held {
  if (resources.length === 0) return held
  return { ...held, changes: new Map([...held.changes, ...resources.map((each) => [each.name, each] as const)]) }
}

/** As if the proxy lacked these. */
export function forget(held: Held, names: Iterable<string>): Held {
  const changes = new Map(held.changes)
  for (const name of names) if (held.base.has(name) || changes.has(name)) changes.set(name, undefined)
  return { ...held, changes }
}
