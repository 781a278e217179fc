import { systemClock } from '../../../runtime/index.ts'
import type { Check } from './checks.ts'
import type { ProbeResult } from './probe-state.ts'

/** A process that was held up for any time loses no more than one of them. */
const SLICES = 10

/**
 * One look with a time limit that counts only while this process runs: timers are due before sockets are looked at, so
 * an agent that was held up would give up on an answer that has come long ago, and restart a program that is well.
 */
export async function lookWithin(check: Check, timeoutMs: number, signal: AbortSignal): Promise<ProbeResult> {
  const limit = new AbortController()
  const answered = new AbortController()
  const looking = check(AbortSignal.any([signal, limit.signal])).finally(() => answered.abort())
  for (let slice = 0; slice < SLICES; slice++) await systemClock.sleep(timeoutMs / SLICES, answered.signal)
  if (!answered.signal.aborted) limit.abort()
  return looking
}
