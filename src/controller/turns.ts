import type { Canary } from '../api/index.ts'

/**
 * Releases that were decided to begin and may not be recorded yet: until the copies show it, nobody else takes their
 * place. One for all controllers of a process.
 */
export interface Turns {
  has(canary: Canary): boolean
  take(canary: Canary): void
  /** It is on record by now, or was decided otherwise. */
  settle(canary: Canary): void
  /** Called after each settled turn: who waited for what was decided otherwise may go on. */
  onSettled(handler: (namespace: string | undefined) => void): void
}

export function createTurns(): Turns {
  const taken = new Set<string | undefined>()
  const handlers: ((namespace: string | undefined) => void)[] = []
  return {
    has: ({ metadata }) => taken.has(metadata.uid),
    take: ({ metadata }) => taken.add(metadata.uid),
    settle({ metadata }) {
      if (taken.delete(metadata.uid)) for (const handler of handlers) handler(metadata.namespace)
    },
    onSettled: (handler) => handlers.push(handler),
  }
}
