import type { Traffic } from './observation.ts'
import type { Cause, Reason } from './reasons.ts'
import type { Beginning, ReleaseState } from './state.ts'

/** Each may be performed again and changes nothing then. */
export type Action =
  | { readonly kind: 'create-run'; readonly run: NewRun }
  | { readonly kind: 'delete-run'; readonly name: string }
  | { readonly kind: 'create-primary'; readonly revision: string }
  | { readonly kind: 'update-primary'; readonly revision: string }
  | { readonly kind: 'adopt-primary' }
  | { readonly kind: 'apply-services'; readonly withApex: boolean }
  | { readonly kind: 'route'; readonly traffic: Traffic }
  | { readonly kind: 'scale-target'; readonly replicas: number }
  | { readonly kind: 'clear-command'; readonly annotation: string }
  | { readonly kind: 'add-finalizer' }
  | { readonly kind: 'release-apex' }
  | { readonly kind: 'release-route' }
  | { readonly kind: 'apply-autoscaler' }
  | { readonly kind: 'pause-autoscaler'; readonly paused: boolean }
  | { readonly kind: 'delete-copies' }
  | { readonly kind: 'hand-over' }
  | { readonly kind: 'remove-finalizer' }

export interface NewRun {
  readonly name: string
  readonly revision: string
  readonly images: readonly string[]
  /** Of the primary, when the change was seen. */
  readonly previousImages?: readonly string[] | undefined
  readonly startedAt: number
  readonly beginning?: Beginning | undefined
}

export type Severity = 'info' | 'warn' | 'error'

/** Something that happened: an event, and an alert where people are meant to be told. */
export interface Note {
  readonly severity: Severity
  readonly reason: Reason
  readonly message: string
  readonly isAlert: boolean
}

export interface Decision {
  readonly next: ReleaseState
  readonly actions: readonly Action[]
  readonly reason: Cause
  readonly notes: readonly Note[]
  /** Look again at this time although nothing changed; absent when only a change can matter. */
  readonly wakeAt?: number | undefined
}

/** What one phase makes of an observation; undefined when it stays exactly as it is. */
export interface Change {
  readonly state: ReleaseState
  readonly notes: readonly Note[]
}

export const note = (severity: Severity, cause: Cause): Note => ({ severity, ...cause, isAlert: false })
export const alert = (severity: Severity, cause: Cause): Note => ({ severity, ...cause, isAlert: true })
