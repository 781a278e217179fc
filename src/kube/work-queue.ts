import { type Clock, type Logger, messageOf } from '../runtime/index.ts'
import { backoffMs, type Random } from './backoff.ts'
import { createDueKeys } from './due-keys.ts'
import { isConflict, KubeError, type Retry, type WorkOutcome, type WorkQueue } from './port.ts'
import { createRankedKeys, type Rank } from './ranked-keys.ts'

export interface WorkQueueOptions {
  /** Brings the world of one key to what it should be. A throw means: again, with back-off. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<WorkOutcome>
  readonly clock: Clock
  readonly log: Logger
  readonly random?: Random
  /** How many keys are worked on at a time; 8 when absent. */
  readonly concurrency?: number
  /** How many of those are kept for patient keys, which get no more than these; nothing is kept when absent. */
  readonly patientConcurrency?: number
  /** Which of the keys that wait go before others; asked when a key is added. All are patient when absent. */
  readonly rankOf?: (key: string) => Rank
}

const LIMITS = { baseMs: 5, capMs: 30_000 }

/**
 * A queue of keys, as client-go's: a key waits once however often it is added, and one that is added while it is worked
 * on comes again afterwards. After the signal nothing new begins, and `start` ends with the last running work.
 */
export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const waiting = createRankedKeys()
  const running = new Set<string>()
  const patient = new Set<string>()
  const again = new Set<string>()
  const failures = new Map<string, number>()
  const { concurrency = 8, patientConcurrency } = options
  const limits = { urgent: concurrency - (patientConcurrency ?? 0), patient: patientConcurrency ?? concurrency }
  let changed = Promise.withResolvers<void>()

  const enqueue = (key: string): void => waiting.add(key, options.rankOf?.(key) ?? 'patient')
  const add = (key: string): void => {
    if (running.has(key)) again.add(key)
    else enqueue(key)
    changed.resolve()
  }
  const due = createDueKeys(options.clock, add)

  const work = async (key: string, signal: AbortSignal): Promise<void> => {
    const wait = await attempt(options, failures, key, signal)
    const isAdded = again.delete(key)
    // What is to come at once comes once.
    if (wait !== undefined && !(isAdded && wait <= 0)) due.add(key, wait)
    running.delete(key)
    patient.delete(key)
    if (isAdded) enqueue(key)
    changed.resolve()
  }

  const next = (): string | undefined => {
    const isRoomLeft = running.size - patient.size < limits.urgent
    const key = isRoomLeft ? waiting.take('first', 'urgent') : undefined
    if (key !== undefined || patient.size >= limits.patient) return key
    const other = waiting.take('patient')
    if (other !== undefined) patient.add(other)
    return other
  }

  const begin = (signal: AbortSignal): void => {
    while (running.size < concurrency) {
      const key = next()
      if (key === undefined) return
      running.add(key)
      // `work` never rejects: every failure is an outcome.
      void work(key, signal)
    }
  }

  return {
    add,
    addAfter: (key, milliseconds) => (milliseconds > 0 ? due.add(key, milliseconds) : add(key)),
    async start(signal) {
      const timers = due.run(signal)
      signal.addEventListener('abort', () => changed.resolve(), { once: true })
      while (!signal.aborted || running.size > 0) {
        changed = Promise.withResolvers<void>()
        if (!signal.aborted) begin(signal)
        await changed.promise
      }
      await timers
    },
  }
}

/** Works on a key once and says after how long it comes again, if at all. */
async function attempt(
  options: WorkQueueOptions,
  failures: Map<string, number>,
  key: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const outcome = await options.reconcile(key, signal)
    failures.delete(key)
    return outcome.requeueAfterMs
  } catch (error) {
    const count = failures.get(key) ?? 0
    const wait = waitAfter(error, backoffMs(LIMITS, count, options.random ?? Math.random))
    failures.set(key, count + 1)
    reportFailure({ log: options.log, key, error, wait }, signal)
    return wait
  }
}

/** What is hopeless is tried again all the same: what it takes may be nothing that is watched, as a rule of admission. */
function waitAfter(error: unknown, backoff: number): number {
  const retry = retryOf(error)
  if (retry === 'never') return LIMITS.capMs
  return retry === 'later' ? backoff : Math.max(retry.afterMs, backoff)
}

const retryOf = (error: unknown): Retry => (error instanceof KubeError ? error.retry : 'later')

function reportFailure(
  failed: { readonly log: Logger; readonly key: string; readonly error: unknown; readonly wait: number },
  signal: AbortSignal,
): void {
  const fields = { key: failed.key, error: messageOf(failed.error) }
  const waitMs = Math.round(failed.wait)
  if (signal.aborted) failed.log.debug(fields, 'work was cut short by the stop')
  else if (retryOf(failed.error) === 'never')
    failed.log.error({ ...fields, waitMs }, 'work failed, and does until something changes')
  // A stale copy is everyday life: the watch brings the new one.
  else if (isConflict(failed.error)) failed.log.debug(fields, 'stale copy')
  else failed.log.warn({ ...fields, waitMs }, 'work failed, trying again')
}
