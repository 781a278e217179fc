import type { Clock } from '../../src/runtime/index.ts'

export interface FakeClock extends Clock {
  /** Moves time on, waking each sleeper at its own moment and letting what it starts run before the next. */
  advance(milliseconds: number): Promise<void>
  /** How many sleep now. */
  readonly sleepers: number
}

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** A clock that stands still until it is told; both its times begin at `start`. */
export function createFakeClock(start = Date.parse('2026-01-01T00:00:00Z')): FakeClock {
  let time = start
  const sleepers = new Set<Sleeper>()

  const sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> => {
    if (signal?.aborted || milliseconds <= 0) return Promise.resolve()
    return new Promise((resolve) => {
      const sleeper = {
        at: time + milliseconds,
        wake: () => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', sleeper.wake)
          resolve()
        },
      }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', sleeper.wake, { once: true })
    })
  }

  return {
    now: () => time,
    monotonic: () => time,
    sleep,
    get sleepers() {
      return sleepers.size
    },
    async advance(milliseconds) {
      const until = time + milliseconds
      await settle()
      for (;;) {
        const next = [...sleepers].sort((left, right) => left.at - right.at)[0]
        if (next === undefined || next.at > until) break
        time = Math.max(time, next.at)
        next.wake()
        await settle()
      }
      time = until
      await settle()
    },
  }
}

/** Lets every promise that can go on go on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate)
}
