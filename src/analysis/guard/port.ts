import type { GuardSettings } from '../../api/index.ts'
import type { Check, Subject } from '../port.ts'

/** A release in progress that is watched between its checks. */
export interface GuardWatch {
  /** Tells one Canary from all others. */
  readonly key: string
  /** Tells one run from those before it: nothing of them is counted. */
  readonly run: string
  readonly subject: Subject
  readonly checks: readonly Check[]
  readonly settings: GuardSettings
  readonly metricsServer: string
  /** Milliseconds since 1970; requests since then are this revision's. */
  readonly sinceMs: number
  /** Acknowledgement of the weight that the release has now; absent before there is one. */
  readonly programmedMs: number | undefined
}

/** Something that looks so bad that it should be measured now. */
export interface Suspicion {
  readonly key: string
  readonly run: string
  /** Start of the shortest time in which it shows. */
  readonly sinceMs: number
}

export interface GuardReader {
  /**
   * Reads all of them, at most four queries a second however many they are, and tells of suspicions as they are found.
   * It never throws: what cannot be read is no suspicion.
   */
  read(watches: readonly GuardWatch[], onSuspicion: (suspicion: Suspicion) => void, signal: AbortSignal): Promise<void>
}
