import type { MetricMemory, Phase, RunStep } from '../api/index.ts'
import type { Cause } from './reasons.ts'

/** What is known of a release between two passes. Times are milliseconds since 1970, taken from observations. */
export interface ReleaseState {
  readonly phase: Phase
  /** Start of the phase: its deadline counts from here. */
  readonly since: number
  readonly cause: Cause
  /** Revision of the newest run, or of the primary where there was none. */
  readonly lastAppliedSpec?: string | undefined
  readonly lastPromotedSpec?: string | undefined
  readonly suspendedAt?: number | undefined
  /** Why nothing can go on before somebody acts. */
  readonly stalled?: Cause | undefined
  readonly run?: RunState | undefined
  /** One line for each of the last runs, newest first. */
  readonly history: readonly string[]
}

export type RunOutcome = 'Running' | 'Succeeded' | 'Failed' | 'Superseded'

/** The newest run; a run that has ended stays until the next one begins. */
export interface RunState {
  readonly name: string
  readonly revision: string
  readonly images: readonly string[]
  readonly previousImages?: readonly string[] | undefined
  readonly startedAt: number
  readonly outcome: RunOutcome
  readonly cause: Cause
  readonly endedAt?: number | undefined
  readonly steps: readonly RunStep[]
  readonly progress: RunProgress
}

export interface RunProgress {
  readonly readyAt?: number | undefined
  readonly unreadyAt?: number | undefined
  readonly preparedAt?: number | undefined
  readonly askedAt?: number | undefined
  /** Promotion was confirmed. */
  readonly confirmedAt?: number | undefined
  readonly rollbackAskedAt?: number | undefined
  /** The run has ended and webhooks of type `post-rollout` were not called yet. */
  readonly farewellDue?: boolean | undefined
  /** -1 before the first step. */
  readonly stepIndex: number
  /** The next check is due one interval later. */
  readonly checkedAt?: number | undefined
  readonly verdictAt?: number | undefined
  readonly lastCheck?: CheckResult | undefined
  /** Cumulative over the run, as Flagger counts. */
  readonly failedChecks: number
  readonly iterations: number
  /** What each metric has shown so far; absent where none has to remember anything. */
  readonly metrics?: readonly MetricMemory[] | undefined
  readonly command?: Command | undefined
  /** The revision was promoted within `rollbackWindow`: it needs no steps. */
  readonly returning?: boolean | undefined
  /** Set when a check failed the run and `failurePolicy` is `freeze`: nothing moves by itself any more. */
  readonly frozenAt?: number | undefined
  /** The primary had no ready pod when the run began, so there is no safe weight 0. */
  readonly recovering?: boolean | undefined
  /** Set when a promotion failed: traffic stays on ready pods from then on. */
  readonly heldAt?: number | undefined
  readonly ending?: Ending | undefined
}

/** What is known of a run when it begins, and must not be lost before its first status. */
export type Beginning = 'recovering' | 'returning'

export const firstProgress = (beginning: Beginning | undefined): RunProgress =>
  beginning === undefined ? emptyProgress : { ...emptyProgress, [beginning]: true }

export type CheckResult = 'passed' | 'failed' | 'inconclusive' | 'missing'
export type Command = 'promote' | 'abort'

/** A run on its way out: weight 0 first, then the new version is scaled down. */
export interface Ending {
  readonly outcome: 'Failed' | 'Superseded'
  readonly cause: Cause
  readonly since: number
}

export const emptyProgress: RunProgress = { stepIndex: -1, failedChecks: 0, iterations: 0 }

/** The run in work, with the state it belongs to. */
export interface ActiveRelease extends ReleaseState {
  readonly run: RunState
}

export const isActive = (state: ReleaseState): state is ActiveRelease => state.run?.outcome === 'Running'
