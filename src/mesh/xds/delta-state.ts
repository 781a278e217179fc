import { eachType, type ResourceType } from '../envoy/index.ts'
import { type Held, holdsNothing } from './held.ts'
import type { Resources, SnapshotResource } from './resources.ts'

/** What one incremental stream knows of one resource type. Pure data: `receiveDelta` and `nextDelta` make new values. */
export interface DeltaTypeState {
  /** `all`: whatever there is (clusters, listeners and virtual hosts); undefined: nothing was asked yet. */
  readonly subscribed: 'all' | ReadonlySet<string> | undefined
  /** Asked for since the last response: each is answered, be it that there is no such thing. */
  readonly unanswered: ReadonlySet<string>
  readonly nonce: string
  /** The response that was neither accepted nor rejected yet. */
  readonly inFlight: Batch | undefined
  /** What the proxy has if it accepts what is in flight. */
  readonly sent: Held
  readonly acked: Held
  readonly rejected: ReadonlyMap<string, { readonly version: string; readonly message: string }>
  /** Names of a response of several that was rejected: they are tried one by one. */
  readonly suspects: ReadonlySet<string>
}

/** What one response carries. */
export interface Batch {
  readonly resources: readonly SnapshotResource[]
  readonly removed: readonly string[]
  /** All that there was of the type. */
  readonly target: Resources
}

export interface DeltaState {
  readonly types: Readonly<Record<ResourceType, DeltaTypeState>>
  /** Number of responses so far. */
  readonly responses: number
}

const untouched: DeltaTypeState = {
  subscribed: undefined,
  unanswered: new Set(),
  nonce: '',
  inFlight: undefined,
  sent: holdsNothing,
  acked: holdsNothing,
  rejected: new Map(),
  suspects: new Set(),
}

export const newDeltaStream: DeltaState = {
  types: eachType(() => untouched),
  responses: 0,
}

export const withDelta = (state: DeltaState, type: ResourceType, change: Partial<DeltaTypeState>): DeltaState => ({
  ...state,
  types: { ...state.types, [type]: { ...state.types[type], ...change } },
})

export const namesIn = ({ resources, removed }: Batch): ReadonlySet<string> =>
  new Set([...resources.map(({ name }) => name), ...removed])
