import { type ResourceType, resourceTypes, typeUrls } from '../envoy/index.ts'
import type { Resources } from './resources.ts'
import { isWholeWorld, type StreamState, type TypeState, withType } from './stream-state.ts'

export interface Request {
  readonly typeUrl: string
  readonly resourceNames: readonly string[]
  readonly responseNonce: string
  /** Set when the proxy rejects the last response. */
  readonly error?: string | undefined
}

export type RequestEvent =
  | { readonly kind: 'accepted'; readonly type: ResourceType }
  | {
      readonly kind: 'rejected'
      readonly type: ResourceType
      readonly names: readonly string[]
      readonly message: string
    }
  | { readonly kind: 'subscribed'; readonly type: ResourceType }
  | { readonly kind: 'stale'; readonly type: ResourceType }
  | { readonly kind: 'unknown-type'; readonly typeUrl: string }

export interface Received {
  readonly state: StreamState
  readonly event: RequestEvent
}

/** What a request of the proxy means: subscription, acceptance, rejection or a repeated question. */
export function receive(state: StreamState, request: Request): Received {
  const type = resourceTypes.find((candidate) => typeUrls[candidate] === request.typeUrl)
  if (type === undefined) return { state, event: { kind: 'unknown-type', typeUrl: request.typeUrl } }
  const before = state.types[type]
  // The first of a stream: the proxy knows nothing of our nonces yet.
  if (before.subscribed === undefined) return subscribe(state, type, request)
  if (request.responseNonce !== before.nonce) return { state, event: { kind: 'stale', type } }
  const { change, event } =
    before.inFlight === undefined ? askAgain(type, before, request) : settle(type, before, request)
  const settled = { ...before, ...change }
  return { state: withType(state, type, { ...change, ...resubscribe(type, settled, request) }), event }
}

const subscribe = (state: StreamState, type: ResourceType, request: Request): Received => ({
  state: withType(state, type, { subscribed: subscription(type, request.resourceNames) }),
  event: { kind: 'subscribed', type },
})

function subscription(type: ResourceType, names: readonly string[]): 'all' | ReadonlySet<string> {
  const wildcard = isWholeWorld(type) && (names.length === 0 || names.includes('*'))
  return wildcard ? 'all' : new Set(names)
}

interface Step {
  readonly change: Partial<TypeState>
  readonly event: RequestEvent
}

function settle(type: ResourceType, before: TypeState, request: Request): Step {
  const inFlight = before.inFlight ?? new Map()
  if (request.error === undefined) {
    const acked = isWholeWorld(type) ? inFlight : merge(before.acked, inFlight)
    const change = { inFlight: undefined, acked, suspects: without(before.suspects, inFlight) }
    return { change: { ...change, rejected: stillRejected(before, type, inFlight) }, event: { kind: 'accepted', type } }
  }
  const names = [...inFlight.keys()]
  const event = { kind: 'rejected', type, names, message: request.error } as const
  if (!isWholeWorld(type) && names.length > 1) {
    // None of them counts as sent: some wait for an answer although they have not changed.
    const sent = new Map([...(before.sent ?? [])].filter(([name]) => !inFlight.has(name)))
    return { change: { inFlight: undefined, sent, suspects: new Set(names) }, event }
  }
  const resources = isWholeWorld(type) ? inFlight : merge(before.rejected?.resources, inFlight)
  const rejected = { resources, message: request.error }
  // The proxy goes on with what it had.
  const kept = { inFlight: undefined, sent: before.acked, suspects: without(before.suspects, inFlight) }
  return { change: { ...kept, rejected }, event }
}

/** What was accepted may be rejected once more later: it is tried again then. */
function stillRejected({ rejected }: TypeState, type: ResourceType, accepted: Resources): TypeState['rejected'] {
  if (rejected === undefined || isWholeWorld(type)) return undefined
  const left = new Map([...rejected.resources].filter(([name]) => !accepted.has(name)))
  return left.size === 0 ? undefined : { ...rejected, resources: left }
}

/**
 * A request that answers nothing of ours. With the names that were known already it is a repeated question (Envoy asks
 * for endpoints after every change of a cluster, and waits 15 s or for ever when nobody answers).
 */
function askAgain(type: ResourceType, before: TypeState, request: Request): Step {
  const event = { kind: 'subscribed', type } as const
  const known = before.subscribed
  const isRepeated =
    known === 'all' ||
    (known?.size === request.resourceNames.length && request.resourceNames.every((name) => known.has(name)))
  return { change: isRepeated ? { sent: undefined } : {}, event }
}

/** Forgets what is no longer asked for, so that it is sent when it is asked for again. */
function resubscribe(type: ResourceType, state: TypeState, request: Request): Partial<TypeState> {
  // Who has named resources and names none any more wants none.
  const wantsNone = state.subscribed !== 'all' && request.resourceNames.length === 0
  const subscribed = wantsNone ? new Set<string>() : subscription(type, request.resourceNames)
  if (subscribed === 'all' || isWholeWorld(type)) return { subscribed }
  const keep = (resources: Resources): Resources => new Map([...resources].filter(([name]) => subscribed.has(name)))
  return { subscribed, acked: keep(state.acked), ...(state.sent === undefined ? {} : { sent: keep(state.sent) }) }
}

const merge = (older: Resources | undefined, newer: Resources): Resources => new Map([...(older ?? []), ...newer])

const without = (names: ReadonlySet<string>, gone: Resources): ReadonlySet<string> =>
  new Set([...names].filter((name) => !gone.has(name)))
