import type { Configuration } from './configuration.ts'
import type { Need } from './needs.ts'
import { findLaggard, type ProgrammedInput } from './programmed.ts'
import { stateElsewhere } from './replica-report.ts'
import type { Replicas } from './replicas.ts'

/**
 * Remembers one proxy that each object waits for. A thousand proxies answer one by one: no verdict over all of them is
 * made before that one has the object.
 */
export interface Laggards {
  /** The object waits; looks for somebody that it waits for. */
  note(key: string, generation: number): void
  forget(key: string): void
  isStillBehind(key: string): boolean
}

export interface LaggardsOptions {
  readonly facts: () => Pick<ProgrammedInput, 'connected' | 'isExpected'> & {
    readonly configuration: Pick<Configuration, 'needs' | 'snapshots'>
  }
  readonly replicas: () => Replicas
}

export function createLaggards({ facts, replicas }: LaggardsOptions): Laggards {
  const known = new Map<string, { readonly generation: number; readonly need: Need }>()
  const find = (key: string, generation: number, needs: readonly Need[]): Need | undefined => {
    const { configuration, ...proxies } = facts()
    const elsewhere = stateElsewhere(replicas().others(), key, generation)
    return findLaggard(needs, { ...proxies, elsewhere, snapshots: configuration.snapshots })
  }
  return {
    note(key, generation) {
      const need = find(key, generation, facts().configuration.needs.get(key) ?? [])
      if (need === undefined) known.delete(key)
      else known.set(key, { generation, need })
    },
    forget: (key) => void known.delete(key),
    isStillBehind(key) {
      const laggard = known.get(key)
      return laggard !== undefined && find(key, laggard.generation, [laggard.need]) !== undefined
    },
  }
}
