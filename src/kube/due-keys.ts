import type { Clock } from '../runtime/index.ts'

/** Keys that come due later; of two times for one key the earlier counts. */
export interface DueKeys {
  add(key: string, milliseconds: number): void
  /** Hands out keys as they come due, until the signal fires. */
  run(signal: AbortSignal): Promise<void>
}

export function createDueKeys(clock: Clock, release: (key: string) => void): DueKeys {
  const due = new Map<string, number>()
  let wake = new AbortController()
  let wakesAt = Number.NEGATIVE_INFINITY

  const releaseDue = (): void => {
    const now = clock.monotonic()
    for (const [key, time] of due) {
      if (time > now) continue
      due.delete(key)
      release(key)
    }
  }

  return {
    add(key, milliseconds) {
      const time = clock.monotonic() + milliseconds
      if (time >= (due.get(key) ?? Number.POSITIVE_INFINITY)) return
      due.set(key, time)
      // An abort costs more than a sleep: only a time before the next one needs it.
      if (time < wakesAt) wake.abort('earlier')
    },
    async run(signal) {
      signal.addEventListener('abort', () => wake.abort('stopped'), { once: true })
      while (!signal.aborted) {
        wake = new AbortController()
        releaseDue()
        // An hour at most: timers take 32 bits of milliseconds.
        wakesAt = Math.min(clock.monotonic() + 3_600_000, ...due.values())
        await clock.sleep(Math.max(0, wakesAt - clock.monotonic()), wake.signal)
      }
    },
  }
}
