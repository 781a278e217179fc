import type { Canary } from '../api/index.ts'
import { lastWordOf, type Note, type ReleaseState } from '../canary/index.ts'
import { type AnnounceOptions, deliver, eventOf } from './announce.ts'
import { noticesOf } from './owed-notices.ts'

/** Makes sure that what is on record was told: a predecessor may have ended between the two. */
export interface Retelling {
  /** Does so once for each Canary; what could not be looked at is looked at again. */
  ensure(canary: Canary, recorded: ReleaseState, now: number): Promise<void>
  /** Something was not told after all, or there is nobody to tell of any more. */
  forget(canary: Canary): void
}

type RetellOptions = Pick<AnnounceOptions, 'events' | 'eventHooks' | 'outbox'>

export function createRetelling(options: RetellOptions): Retelling {
  const ensured = new Set<string | undefined>()
  return {
    async ensure(canary, recorded, now) {
      const { uid } = canary.metadata
      if (ensured.has(uid)) return
      const word = lastWordOf(recorded, now)
      const outcome = word === undefined ? 'there' : await options.events.ensure(canary, eventOf(word))
      if (outcome !== 'failed') ensured.add(uid)
      if (word !== undefined && outcome === 'written') tellOthers(options, { canary, recorded, word, now })
    },
    forget: ({ metadata }) => void ensured.delete(metadata.uid),
  }
}

interface Untold {
  readonly canary: Canary
  readonly recorded: ReleaseState
  readonly word: Note
  readonly now: number
}

/** Where the event was missing, nobody is known to have heard; the alerts of a run are on record by themselves. */
function tellOthers({ eventHooks, outbox }: RetellOptions, { canary, recorded, word, now }: Untold): void {
  eventHooks.tell(canary, recorded, [word], now)
  if (recorded.run !== undefined) return
  // As of the pass that recorded it, so that it has the id that it had then.
  for (const owed of noticesOf({ canary, state: recorded, notes: [word], weight: 0, now: recorded.since }))
    deliver({ outbox }, canary, recorded, owed)
}
