import type { AlertProvider } from '../api/index.ts'

export type Severity = 'info' | 'warn' | 'error'

/**
 * What became of a notice: `dropped` is one for which a busy queue had no place, `interrupted` one that was under way when
 * the process was told to stop.
 */
export type NoticeResult = 'sent' | 'failed' | 'dropped' | 'interrupted'

/** One message about a release. */
export interface Notice {
  /** The same for each delivery of this notice, and for no other. */
  readonly id: string
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
  /**
   * Hands the notice over at once; what became of it is told when it is known. Retries are its own affair, and it never
   * rejects.
   */
  send(target: NoticeTarget, notice: Notice): Promise<NoticeResult>
  /** Resolves when everything handed over was sent or given up (for an orderly stop and for tests). */
  drain(): Promise<void>
}
