import type { Decision } from './decision.ts'
import type { ReleaseState, RunProgress } from './state.ts'

/** Holds everything as it is, routes included. */
export function suspend(state: ReleaseState, now: number): Pick<Decision, 'next' | 'reason'> {
  const reason = { reason: 'Suspended', message: 'held by spec.suspend' } as const
  return { next: state.suspendedAt === undefined ? { ...state, suspendedAt: now } : state, reason }
}

/** Deadlines and windows stood still meanwhile. */
export function resume(state: ReleaseState, now: number): ReleaseState {
  const { suspendedAt, run } = state
  if (suspendedAt === undefined) return state
  const pause = Math.max(0, now - suspendedAt)
  const since = state.since + pause
  const resumed = { ...state, suspendedAt: undefined, since }
  return run === undefined ? resumed : { ...resumed, run: { ...run, progress: shift(run.progress, pause, now) } }
}

function shift(progress: RunProgress, pause: number, now: number): RunProgress {
  const { unreadyAt, verdictAt, checkedAt, ending } = progress
  return {
    ...progress,
    unreadyAt: unreadyAt === undefined ? undefined : unreadyAt + pause,
    verdictAt: verdictAt === undefined ? undefined : verdictAt + pause,
    // Nobody watched in between: the next check looks at a fresh window.
    checkedAt: checkedAt === undefined ? undefined : now,
    ending: ending === undefined ? undefined : { ...ending, since: ending.since + pause },
  }
}
