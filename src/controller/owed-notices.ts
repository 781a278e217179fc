import type { Canary, CanaryRun, OwedNotice } from '../api/index.ts'
import { hashValue } from '../base/index.ts'
import type { Note, ReleaseState, RunState, Severity } from '../canary/index.ts'

const ranks: Readonly<Record<Severity, number>> = { info: 0, warn: 1, error: 2 }

/** Whom of a Canary's alerts a severity concerns. */
export const alertsFor = ({ spec }: Canary, severity: Severity) =>
  (spec.analysis.alerts ?? []).filter((alert) => ranks[severity] >= ranks[alert.severity])

const isWanted =
  (canary: Canary) =>
  ({ severity }: OwedNotice): boolean =>
    alertsFor(canary, severity).length > 0

export interface Told {
  readonly canary: Canary
  readonly state: ReleaseState
  readonly notes: readonly Note[]
  readonly weight: number
  readonly now: number
}

/** The alerts of one pass that somebody wants to be told of. */
export function noticesOf({ canary, state, notes, weight, now }: Told): readonly OwedNotice[] {
  const time = new Date(now).toISOString()
  return notes
    .filter(({ isAlert }) => isAlert)
    .map(({ severity, reason, message }, index) => {
      // A run begins once, however often that is decided.
      if (reason === 'NewRevision' && state.run) return beginningOf(canary, state, state.run)
      const id = idOf([canary.metadata.uid, state.run?.name, reason, time, index])
      return { id, severity, reason, message, phase: state.phase, weight, time }
    })
    .filter(isWanted(canary))
}

/**
 * What a run owes by its record. One without a status has only just begun, and nobody knows whether that was told: it
 * costs no write to say so.
 */
export function owedBy(canary: Canary, state: ReleaseState, recorded: CanaryRun | undefined): readonly OwedNotice[] {
  if (recorded === undefined || state.run === undefined) return []
  if (recorded.status !== undefined) return recorded.status.notices ?? []
  return [beginningOf(canary, state, state.run)].filter(isWanted(canary))
}

/** Whether anything that this Canary's runs owe is still to be delivered. */
export function isAlertDue(
  canary: Canary,
  state: ReleaseState,
  { runs, isSettled }: { readonly runs: readonly CanaryRun[]; readonly isSettled: (id: string) => boolean },
): boolean {
  const owed = runs.flatMap((run) =>
    run.metadata.name === state.run?.name ? owedBy(canary, state, run) : (run.status?.notices ?? []),
  )
  return owed.some(({ id }) => !isSettled(id))
}

function beginningOf(canary: Canary, { phase }: ReleaseState, { name, cause, startedAt }: RunState): OwedNotice {
  const { reason, message } = cause
  const id = idOf([canary.metadata.uid, name, reason])
  const time = new Date(startedAt).toISOString()
  return { id, severity: 'info', reason, message, phase, weight: 0, time }
}

const idOf = (parts: readonly unknown[]): string => hashValue(parts)
