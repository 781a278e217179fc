import { type Change, note } from './decision.ts'
import type { Cause } from './reasons.ts'
import type { ReleaseState } from './state.ts'

/** Stays where it is and says why; no change when that was said before. `stalled` calls for somebody to act. */
export function holdWith(
  state: ReleaseState,
  cause: Cause,
  how: 'waiting' | 'stalled' = 'waiting',
): Change | undefined {
  const stalled = how === 'stalled' ? cause : undefined
  if (isSameCause(state.cause, cause) && isSameCause(state.stalled, stalled)) return undefined
  const isNews = stalled !== undefined && state.stalled?.reason !== stalled.reason
  return { state: { ...state, cause, stalled }, notes: isNews ? [note('warn', cause)] : [] }
}

export const isSameCause = (left: Cause | undefined, right: Cause | undefined): boolean =>
  left?.reason === right?.reason && left?.message === right?.message
