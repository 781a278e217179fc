import type { Canary, Webhook } from '../api/index.ts'
import { hooksOf, type Note, type ReleaseState } from '../canary/index.ts'
import type { HookCaller } from '../hooks/index.ts'
import { hookPayloadOf } from './hook-payload.ts'

export interface EventHooks {
  /** Tells the webhooks of type `event` what happened, and returns at once. */
  tell(canary: Canary, state: ReleaseState, notes: readonly Note[], now: number): void
  /** Resolves when nobody is being called any more. */
  settled(): Promise<void>
}

/** How many events one receiver may be behind: what comes then is dropped, as nobody waits for it. */
const MOST_UNDER_WAY = 64

/** Receivers of events are called in the background: one that is slow holds up nothing. */
export function createEventHooks(hooks: HookCaller, signal: AbortSignal): EventHooks {
  const underWay = new Set<Promise<unknown>>()

  const call = (hook: Webhook, payload: ReturnType<typeof hookPayloadOf>): void => {
    if (underWay.size >= MOST_UNDER_WAY) return
    const called = hooks.call(hook, payload, signal)
    underWay.add(called)
    void called.finally(() => underWay.delete(called))
  }

  return {
    tell(canary, state, notes, now) {
      if (notes.length === 0) return
      const payload = hookPayloadOf(canary, state, 'event')
      for (const hook of hooksOf({ canary }, 'event')) {
        for (const note of notes) call({ ...hook, metadata: { ...hook.metadata, ...describe(note, now) } }, payload)
      }
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}

const describe = ({ message, severity }: Note, now: number) => ({
  eventMessage: message,
  eventType: severity === 'info' ? 'Normal' : 'Warning',
  timestamp: String(now),
})
