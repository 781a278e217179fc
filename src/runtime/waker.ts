import type { Clock } from './clock.ts'

/** Lets a loop sleep until there is work: also what came while it was at work is not slept through. */
export interface Waker {
  wake(): void
  /** What woke it before is being looked at now. */
  heed(): void
  /** Ends when the time is over, the signal fires, or it is woken; at once where it was since `heed`. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
}

export function createWaker(clock: Pick<Clock, 'sleep'>): Waker {
  let woken = new AbortController()
  return {
    wake: () => woken.abort(),
    heed() {
      woken = new AbortController()
    },
    sleep: (milliseconds, signal) => clock.sleep(milliseconds, AbortSignal.any([signal, woken.signal])),
  }
}
