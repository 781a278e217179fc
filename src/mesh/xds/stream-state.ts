import { eachType, type ResourceType } from '../envoy/index.ts'
import type { Resources } from './resources.ts'

/** What one stream knows of one resource type. Pure data: `receive` and `next` make new values. */
export interface TypeState {
  /** `all`: whatever there is (clusters and listeners); undefined: nothing was asked yet. */
  readonly subscribed: 'all' | ReadonlySet<string> | undefined
  /** Of the last response; empty before the first. */
  readonly nonce: string
  /** The response that was neither accepted nor rejected yet. */
  readonly inFlight: Resources | undefined
  /** What the proxy was sent last, by name; undefined when it wants an answer in any case. */
  readonly sent: Resources | undefined
  readonly acked: Resources
  readonly rejected: Rejection | undefined
  /** Names of a response of several that was rejected: they are tried one by one. */
  readonly suspects: ReadonlySet<string>
}

export interface Rejection {
  readonly resources: Resources
  /** Envoy's own words. */
  readonly message: string
}

export interface StreamState {
  readonly types: Readonly<Record<ResourceType, TypeState>>
  /** Number of responses so far. */
  readonly responses: number
}

const untouched: TypeState = {
  subscribed: undefined,
  nonce: '',
  inFlight: undefined,
  sent: undefined,
  acked: new Map(),
  rejected: undefined,
  suspects: new Set(),
}

export const newStream: StreamState = {
  types: eachType(() => untouched),
  responses: 0,
}

/** Clusters and listeners: a response is the whole world, and what it lacks is deleted. */
export const isWholeWorld = (type: ResourceType): boolean => type === 'cluster' || type === 'listener'

export const withType = (state: StreamState, type: ResourceType, change: Partial<TypeState>): StreamState => ({
  ...state,
  types: { ...state.types, [type]: { ...state.types[type], ...change } },
})

export const sameResources = (left: Resources | undefined, right: Resources | undefined): boolean =>
  left !== undefined &&
  right !== undefined &&
  left.size === right.size &&
  [...left.values()].every(({ name, version }) => right.get(name)?.version === version)
