import { setTimeout as delay } from 'node:timers/promises'

/** Time as a dependency: rooms that act take a Clock, rooms that decide take a number. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number
  /** Monotonic milliseconds: for lengths, never for dates. */
  monotonic(): number
  /** Resolves after the time, or at once when the signal fires (it never rejects). */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(milliseconds, signal) {
    try {
      await delay(milliseconds, undefined, { ref: true, ...(signal ? { signal } : {}) })
    } catch {
      // The signal fired: the caller looks at it, as after every wait.
    }
  },
}
