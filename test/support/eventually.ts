import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'

export interface EventuallyOptions {
  /** Milliseconds until it gives up on a machine that is not overloaded; 10 s when absent. */
  readonly within?: number
  /** Milliseconds between two looks; 25 when absent. */
  readonly every?: number
  /** What is awaited, for the message of the failure. */
  readonly what?: string
}

/**
 * Looks again and again until `look` neither throws nor returns false, and returns what it returned.
 * When the deadline passes, the error carries the last failure, so that a test says what it saw instead. A look that
 * began in time is never the last, however long it took, and a machine that is overloaded gets more time.
 * `undefined` counts as seen: assertions return nothing.
 */
export async function eventually<T>(look: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const within = options.within ?? 10_000
  const since = performance.now()
  for (;;) {
    const waitedMs = performance.now() - since
    const last = await attempt(look)
    if (last.seen) return last.value
    if (waitedMs > within && waitedMs > within * patience(loadavg()[0], availableParallelism())) {
      const what = options.what === undefined ? '' : `${options.what}: `
      throw new Error(`${what}not seen within ${within} ms; last: ${last.failure}`, { cause: last.cause })
    }
    await delay(options.every ?? 25)
  }
}

/** How many times as long as on a free machine something may take: as many as each processor has to do at a time. */
export const patience = (load = 0, processors = 1): number => Math.min(Math.max(1, load / processors), MOST_PATIENCE)

/** What takes longer hangs. */
const MOST_PATIENCE = 6

type Attempt<T> =
  | { readonly seen: true; readonly value: T }
  | { readonly seen: false; readonly failure: string; readonly cause?: unknown }

async function attempt<T>(look: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    const value = await look()
    return value === false ? { seen: false, failure: 'the condition was false' } : { seen: true, value }
  } catch (cause) {
    return { seen: false, failure: cause instanceof Error ? cause.message : inspect(cause), cause }
  }
}
