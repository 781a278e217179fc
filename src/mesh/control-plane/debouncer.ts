import { type Clock, createWaker } from '../../runtime/index.ts'

export interface DebouncerOptions {
  readonly clock: Clock
  /** How long nothing may change before the work is done. */
  readonly quietMs: number
  /** How long it is put off at most. */
  readonly atMostMs: number
  /** Given how long the first change has waited. */
  readonly run: (waitedMs: number) => void
}

/** Does work once for many changes that come together. */
export interface Debouncer {
  /** An urgent change is not put off, nor is what waited before it. */
  changed(isUrgent: boolean): void
  /** The work is to be done in so long although nothing changes, and every change before that is urgent. */
  expect(inMs: number | undefined): void
  start(signal: AbortSignal): Promise<void>
}

export function createDebouncer({ clock, quietMs, atMostMs, run }: DebouncerOptions): Debouncer {
  let due: { readonly first: number; readonly at: number; readonly isUrgent: boolean } | undefined
  let isExpecting = false
  const waker = createWaker(clock)

  const waitMs = (): number => (due === undefined ? 60_000 : due.at - clock.monotonic())

  return {
    changed(isUrgent) {
      const now = clock.monotonic()
      const first = due?.first ?? now
      const urgent = isUrgent || isExpecting || due?.isUrgent === true
      due = { first, at: urgent ? now : Math.min(now + quietMs, first + atMostMs), isUrgent: urgent }
      waker.wake()
    },
    expect(inMs) {
      isExpecting = inMs !== undefined
      if (inMs === undefined || due !== undefined) return
      const now = clock.monotonic()
      due = { first: now, at: now + inMs, isUrgent: false }
      waker.wake()
    },
    async start(signal) {
      while (!signal.aborted) {
        if (due !== undefined && waitMs() <= 0) {
          const waitedMs = clock.monotonic() - due.first
          due = undefined
          run(waitedMs)
          continue
        }
        waker.heed()
        await waker.sleep(waitMs(), signal)
      }
    },
  }
}
