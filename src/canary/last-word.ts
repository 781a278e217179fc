import { alert, type Note, note } from './decision.ts'
import type { Cause, Reason } from './reasons.ts'
import type { ReleaseState } from './state.ts'

/** As long as an API server keeps events: what is older was told, or is old news. */
const NEWS_MS = 60 * 60_000

/** What a run in progress is told of when it comes to it; for all others its state says enough. */
const news: Partial<Readonly<Record<Reason, 'info' | 'warn'>>> = {
  NewRevision: 'info',
  WeightChanged: 'info',
  Promoting: 'info',
  WaitingForDependencies: 'info',
  WaitingForTurn: 'info',
  WaitingForRollout: 'warn',
  WaitingForTrafficIncrease: 'warn',
  WaitingForPromotion: 'warn',
  CheckFailed: 'warn',
  NoVerdict: 'warn',
  Inconclusive: 'info',
}

/**
 * What was to be told when this state was recorded: whoever takes over makes sure that it was. Undefined where there is
 * no news.
 */
export function lastWordOf(state: ReleaseState, now: number): Note | undefined {
  const { stalled, run, phase, cause, since } = state
  if (stalled) return note('warn', stalled)
  if (phase === 'Terminating') return note('info', cause)
  if (run === undefined) return phase === 'Initialized' && now - since < NEWS_MS ? alert('info', cause) : undefined
  if (run.outcome !== 'Running') return now - (run.endedAt ?? 0) < NEWS_MS ? wordOfEnd(run) : undefined
  if (run.progress.ending) return wordOfEnd(run.progress.ending)
  const severity = news[cause.reason]
  return severity && note(severity, cause)
}

const wordOfEnd = ({ outcome, cause }: { readonly outcome: string; readonly cause: Cause }): Note =>
  note(outcome === 'Failed' ? 'error' : 'info', cause)
