import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'

export interface EventuallyOptions {
  /** Milliseconds until it gives up; 10 s when absent. */
  readonly within?: number
  /** Milliseconds between two looks; 25 when absent. */
  readonly every?: number
  /** What is awaited, for the message of the failure. */
  readonly what?: string
}

/**
 * Looks again and again until `look` neither throws nor returns false, and returns what it returned.
 * When the deadline passes, the error carries the last failure, so that a test says what it saw instead.
 * `undefined` counts as seen: assertions return nothing.
 */
export async function eventually<T>(look: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const within = options.within ?? 10_000
  const deadline = performance.now() + within
  for (;;) {
    const last = await attempt(look)
    if (last.seen) return last.value
    if (performance.now() > deadline) {
      const what = options.what === undefined ? '' : `${options.what}: `
      throw new Error(`${what}not seen within ${within} ms; last: ${last.failure}`, { cause: last.cause })
    }
    await delay(options.every ?? 25)
  }
}

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
