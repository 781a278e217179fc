import type { Clock } from '../../src/runtime/index.ts'

/** A process's own clock: its wall time may be wrong and may jump, its monotonic time may not. */
export interface ProcessClock extends Clock {
  jump(milliseconds: number): void
}

/** Time that passes only when nobody has anything left to do: a run takes as long as its work, not as its story. */
export interface SimulatedTime {
  /** True time, milliseconds since 1970. */
  now(): number
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
  createClock(): ProcessClock
  /** Calls `act` now and then when nobody would do anything for at least so long. */
  onPause(atLeastMs: number, act: () => void): void
  /** Wakes sleepers in their order until the condition holds (true) or that much time has passed (false). */
  run(condition: () => boolean, withinMs: number): Promise<boolean>
}

interface Sleeper {
  readonly at: number
  readonly order: number
  readonly wake: () => void
}

interface Pause {
  readonly atLeastMs: number
  readonly act: () => void
  /** Not again before. */
  nextAt: number
}

const START = Date.parse('2026-01-01T00:00:00Z')
const BETWEEN_PAUSES_MS = 20_000

export function createSimulatedTime(): SimulatedTime {
  let time = START
  let count = 0
  const sleepers = new Set<Sleeper>()
  let pause: Pause | undefined

  /** True when somebody made use of a pause that lasts until then. */
  const usePause = (until: number): boolean => {
    if (pause === undefined || time < pause.nextAt || until - time < pause.atLeastMs) return false
    pause.nextAt = time + BETWEEN_PAUSES_MS
    pause.act()
    return true
  }

  const sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> => {
    if (signal?.aborted || !(milliseconds > 0)) return Promise.resolve()
    return new Promise((resolve) => {
      count += 1
      const sleeper = {
        // As timers do: whole milliseconds, at least one.
        at: time + Math.ceil(milliseconds),
        order: count,
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

  const next = (): Sleeper | undefined => {
    let first: Sleeper | undefined
    for (const each of sleepers) if (first === undefined || isBefore(each, first)) first = each
    return first
  }

  /** Lets the next one have its turn; false where nobody has one until then. */
  const goOn = (until: number): boolean => {
    const sleeper = next()
    if (usePause(Math.min(sleeper?.at ?? until, until))) return true
    if (sleeper === undefined || sleeper.at > until) return false
    time = Math.max(time, sleeper.at)
    sleeper.wake()
    return true
  }

  return {
    now: () => time,
    sleep,
    createClock() {
      let offset = 0
      return {
        now: () => time + offset,
        monotonic: () => time - START,
        sleep,
        jump(milliseconds) {
          offset += milliseconds
        },
      }
    },
    onPause(atLeastMs, act) {
      pause = { atLeastMs, act, nextAt: time }
    },
    async run(condition, withinMs) {
      const until = time + withinMs
      for (let isOver = false; !isOver; ) {
        await settled()
        if (condition()) return true
        isOver = !goOn(until)
      }
      time = until
      return condition()
    },
  }
}

const isBefore = (one: Sleeper, other: Sleeper): boolean =>
  one.at === other.at ? one.order < other.order : one.at < other.at

/** One turn of the loop runs every promise that can go on, a second one what the in-memory API put off. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate)
}
