import type { KubernetesObject, ResourceKind } from '../api/index.ts'

export interface ObjectRef {
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string | undefined
  readonly name: string
}

export interface ListOptions {
  /** All namespaces when absent. */
  readonly namespace?: string | undefined
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Objects come with nothing but their metadata: for kinds whose content is large or secret. */
  readonly metadataOnly?: boolean
}

export interface ObjectList<T> {
  readonly items: readonly T[]
  readonly resourceVersion: string
}

export type Subresource = 'status' | 'scale'

export interface ApplyOptions {
  /** Take fields from other managers (false when absent). */
  readonly force?: boolean
  readonly subresource?: Subresource
}

export interface PatchOptions {
  readonly type: 'merge' | 'json' | 'strategic'
  readonly subresource?: Subresource
}

export interface DeleteOptions {
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  readonly uid?: string
  /** 0 takes the object away at once: the node's last word on a pod. The object's own time when absent. */
  readonly gracePeriodSeconds?: number
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** `isComplete`: before it came everything that there is. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string; readonly isComplete?: true }

export interface WatchOptions extends ListOptions {
  readonly resourceVersion: string
  readonly timeoutSeconds?: number
}

/**
 * The Kubernetes API as Sluice uses it. Every call may throw KubeError, whose `reason` is the API's own
 * (NotFound, Conflict, AlreadyExists, Invalid, Expired, TooManyRequests, ...) and whose `retry` says what to do.
 */
export interface KubeClient {
  /** Undefined when there is no such object. */
  get<T extends KubernetesObject>(kind: ResourceKind<T>, ref: ObjectRef): Promise<T | undefined>
  /** Pages through the whole list. */
  list<T extends KubernetesObject>(kind: ResourceKind<T>, options?: ListOptions): Promise<ObjectList<T>>
  create<T extends KubernetesObject>(kind: ResourceKind<T>, object: T): Promise<T>
  /** PUT: carries the resourceVersion of `object`, so a stale write is a Conflict. */
  replace<T extends KubernetesObject>(kind: ResourceKind<T>, object: T, subresource?: Subresource): Promise<T>
  patch<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    ref: ObjectRef,
    patch: object,
    options: PatchOptions,
  ): Promise<T>
  /** Server-side apply by the client's field manager. */
  apply<T extends KubernetesObject>(kind: ResourceKind<T>, object: T, options?: ApplyOptions): Promise<T>
  /** Quiet when the object is gone already. */
  delete<T extends KubernetesObject>(kind: ResourceKind<T>, ref: ObjectRef, options?: DeleteOptions): Promise<void>
  /** Ends when the server ends the stream or the signal fires; throws KubeError (Expired: list again). */
  watch<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>>
  /** A watch that begins with everything that there is; refused as Invalid where that is not served. Absent where it cannot be. */
  readonly watchList?: <T extends KubernetesObject>(
    kind: ResourceKind<T>,
    options: ListOptions,
    signal: AbortSignal,
  ) => AsyncIterable<WatchEvent<T>>
}

/** Whether the same request may succeed: `never` before something changes, `later` with back-off, or after a time. */
export type Retry = 'never' | 'later' | { readonly afterMs: number }

/** Thrown when the API server refuses or cannot be reached. `code` is the HTTP status, 0 without an answer. */
export class KubeError extends Error {
  readonly code: number
  readonly reason: string
  readonly retry: Retry
  readonly details: object | undefined

  constructor(
    message: string,
    facts: {
      readonly code: number
      readonly reason: string
      readonly retry: Retry
      readonly details?: object
      readonly cause?: unknown
    },
  ) {
    super(message, facts.cause === undefined ? {} : { cause: facts.cause })
    this.name = 'KubeError'
    this.code = facts.code
    this.reason = facts.reason
    this.retry = facts.retry
    this.details = facts.details
  }
}

/** The object is another one than the write was made for: it is to be read again. */
export const isConflict = (error: unknown): boolean => error instanceof KubeError && error.reason === 'Conflict'

/** Somebody else wrote first, be it a change or the object itself. */
export const isLostRace = (error: unknown): boolean =>
  isConflict(error) || (error instanceof KubeError && error.reason === 'AlreadyExists')

/** A local copy of a kind, kept by list and watch. Handlers only enqueue. */
export interface Reflector<T extends KubernetesObject> {
  get(ref: ObjectRef): T | undefined
  /** All objects, or those of one namespace. */
  list(namespace?: string): readonly T[]
  /** A way to find objects by what they name, own writes included, without looking at all of them. */
  indexBy(namesOf: (object: T) => readonly string[]): (name: string) => readonly T[]
  /** Called with the new and the old object; `undefined` new = deleted. Returns the way to stop. */
  onChange(handler: (current: T | undefined, previous: T | undefined) => void): () => void
  /** Called with each state of an object that the copy shows first, be it by an own write or by the watch, and with each that is gone. */
  onNews(handler: (object: T) => void): void
  /** Puts the answer of an own write over the copy until the watch has caught up with it. */
  overlay(object: T): void
  /** Resolves when the first list is in. */
  readonly synced: Promise<void>
  /** Runs until the signal fires; survives every server error with jittered back-off. */
  start(signal: AbortSignal): Promise<void>
}

/** Keys are deduplicated; one worker per key at a time; failures back off from 5 ms doubling to 30 s with jitter. */
export interface WorkQueue {
  add(key: string): void
  addAfter(key: string, milliseconds: number): void
  /** Runs until the signal fires, then lets running work end. */
  start(signal: AbortSignal): Promise<void>
}

export interface WorkOutcome {
  /** Look again after this time although nothing changed. */
  readonly requeueAfterMs?: number | undefined
}

export interface EventNote {
  readonly type: 'Normal' | 'Warning'
  /** CamelCase, one of the documented constants. */
  readonly reason: string
  readonly message: string
}

/** Writes events of the core group; equal ones are counted up, floods are dropped, failures are logged only. */
export interface EventRecorder {
  /** False when it could not be written. */
  record(object: KubernetesObject, note: EventNote): Promise<boolean>
  /** Writes it unless it is `there` already, by whichever process. */
  ensure(object: KubernetesObject, note: EventNote): Promise<'written' | 'there' | 'failed'>
}
