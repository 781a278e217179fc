/** Wakes whoever waits for "something changed"; a wake with nobody waiting is kept for the next one. */
export interface Notifier {
  notify(): void
  /** Resolves at the next notification, at once when one was missed, or when the signal fires. */
  next(signal: AbortSignal): Promise<void>
}

export function createNotifier(): Notifier {
  let missed = false
  let wake: (() => void) | undefined
  return {
    notify() {
      missed = true
      wake?.()
    },
    async next(signal) {
      if (!missed && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
        wake = undefined
      }
      missed = false
    },
  }
}
