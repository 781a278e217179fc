import type { Webhook, WebhookType } from '../api/index.ts'

/** Flagger's payload, word for word. */
export interface HookPayload {
  readonly name: string
  readonly namespace: string
  readonly phase: string
  /** Hash of the revision under release. */
  readonly checksum: string
  readonly buildId: string
  readonly type: WebhookType
  readonly failedChecks: number
  readonly canaryWeight: number
  readonly iterations: number
  /** Nanoseconds, as Go writes a duration. */
  readonly remainingTime: number
  readonly metadata: Readonly<Record<string, string>>
}

export interface HookOutcome {
  readonly ok: boolean
  /** HTTP status; absent when no answer came. */
  readonly status?: number
  /** One sentence that names the hook and the cause; never the body of the answer, never a credential. */
  readonly message: string
}

export interface HookCaller {
  /** Calls once, with the hook's timeout and retries; success is a status of 200 to 202. It never throws. */
  call(hook: Webhook, payload: Omit<HookPayload, 'metadata'>, signal: AbortSignal): Promise<HookOutcome>
}
