import type { AlertProvider } from '../api/index.ts'

export type Severity = 'info' | 'warn' | 'error'

/** One message about a release. */
export interface Notice {
  readonly canary: string
  readonly namespace: string
  readonly severity: Severity
  /** The event's reason constant, such as `RolledBack`. */
  readonly reason: string
  /** One sentence, with the numbers that decided. */
  readonly text: string
  readonly phase: string
  readonly revision: string
  readonly fields: readonly { readonly name: string; readonly value: string }[]
  /** RFC 3339. */
  readonly time: string
}

/** A provider with its address resolved from its Secret by the caller. */
export interface NoticeTarget {
  readonly provider: AlertProvider
  readonly address: string
}

export interface Notifier {
  /** Hands the notice over and returns at once: sending, retries and failures are its own affair. */
  send(target: NoticeTarget, notice: Notice): void
  /** Resolves when everything handed over was sent or given up (for an orderly stop and for tests). */
  drain(): Promise<void>
}
