import { type ResourceType, resourceTypes, tableOfVirtualHost, typeUrls } from '../envoy/index.ts'
import { type Batch, type DeltaState, type DeltaTypeState, namesIn, withDelta } from './delta-state.ts'
import { forget, type Held, type HeldResource, heldOf, hold, holdAs, holdsNothing } from './held.ts'
import type { RequestEvent } from './receive.ts'
import { isWholeWorld } from './stream-state.ts'

export interface DeltaRequest {
  readonly typeUrl: string
  readonly subscribe: readonly string[]
  readonly unsubscribe: readonly string[]
  /** What the proxy has from an earlier stream: versions by name. */
  readonly initialVersions: Readonly<Record<string, string>>
  readonly responseNonce: string
  /** Set when the proxy rejects the last response. */
  readonly error?: string | undefined
}

export interface DeltaReceived {
  readonly state: DeltaState
  readonly event: RequestEvent
}

/** What a request of the proxy means; one request may both answer a response and change a subscription. */
export function receiveDelta(state: DeltaState, request: DeltaRequest): DeltaReceived {
  const type = resourceTypes.find((candidate) => typeUrls[candidate] === request.typeUrl)
  if (type === undefined) return { state, event: { kind: 'unknown-type', typeUrl: request.typeUrl } }
  const before = state.types[type]
  const settled = settle(type, before, request)
  const after = before.subscribed === undefined ? begin(type, state, request) : resubscribe(settled.after, request)
  return { state: withDelta(state, type, after), event: settled.event }
}

interface Settled {
  readonly after: DeltaTypeState
  readonly event: RequestEvent
}

function settle(type: ResourceType, before: DeltaTypeState, request: DeltaRequest): Settled {
  const { inFlight } = before
  if (request.responseNonce === '') return { after: before, event: { kind: 'subscribed', type } }
  if (inFlight === undefined || request.responseNonce !== before.nonce) {
    return { after: before, event: { kind: 'stale', type } }
  }
  const names = namesIn(inFlight)
  const rejected = new Map([...before.rejected].filter(([name]) => !names.has(name)))
  const suspects = new Set([...before.suspects].filter((name) => !names.has(name)))
  const after = { ...before, inFlight: undefined, rejected, suspects }
  if (request.error === undefined) {
    const acked = holdAs(before.acked, inFlight.target, names)
    return { after: { ...after, acked }, event: { kind: 'accepted', type } }
  }
  const event = { kind: 'rejected', type, names: [...names], message: request.error } as const
  const sent = hold(forget(before.sent, names), olderOnes(before, inFlight))
  if (names.size > 1) return { after: { ...after, sent, suspects: new Set([...suspects, ...names]) }, event }
  const { error: message } = request
  for (const { name, version } of inFlight.resources) rejected.set(name, { version, message })
  return { after: { ...after, sent, rejected }, event }
}

/**
 * Of what was rejected, or was to go along with it, the proxy has those that it had, or has taken some in all the same:
 * each is sent or taken away yet. What may not even go alone is let be.
 */
function olderOnes({ acked }: DeltaTypeState, { resources, removed }: Batch): readonly HeldResource[] {
  if (resources.length === 0) return []
  return [...resources.map(({ name }) => name), ...removed].flatMap((name) => {
    const held = heldOf(acked, name)
    return held === undefined ? [] : { ...held, version: '' }
  })
}

/**
 * The first request of a type. After a reconnect the proxy says what it has, and only what differs is sent; but
 * endpoints are sent in any case, since a cluster that changed just before may still wait for them.
 */
function begin(type: ResourceType, state: DeltaState, request: DeltaRequest): DeltaTypeState {
  const before = state.types[type]
  const mayAskForAll = isWholeWorld(type) || type === 'virtualHost'
  const isAll = mayAskForAll && (request.subscribe.length === 0 || request.subscribe.includes('*'))
  const subscribed = isAll ? 'all' : new Set(request.subscribe)
  const acked = type === 'virtualHost' ? hostsFrom(request.initialVersions, state) : heldFrom(request.initialVersions)
  const sent = type === 'endpoints' ? holdsNothing : acked
  const unanswered = new Set(request.subscribe.filter((name) => name !== '*' && heldOf(sent, name) === undefined))
  return { ...before, subscribed, unanswered, sent, acked }
}

function heldFrom(versions: DeltaRequest['initialVersions']): Held {
  const told = Object.entries(versions)
  if (told.length === 0) return holdsNothing
  return { base: new Map(told.map(([name, version]) => [name, { name, version }])), changes: new Map() }
}

/** Envoy counts hosts among its own that it dropped for lack of their table: what it says of a table that is only coming is not so. */
function hostsFrom(versions: DeltaRequest['initialVersions'], { types: { routes } }: DeltaState): Held {
  const coming = new Set(routes.inFlight?.resources.map(({ name }) => name))
  return heldFrom(
    Object.fromEntries(Object.entries(versions).filter(([name]) => !coming.has(tableOfVirtualHost(name)))),
  )
}

/** A name that is asked for again is sent again, whatever was sent before. */
function resubscribe(state: DeltaTypeState, { subscribe, unsubscribe }: DeltaRequest): DeltaTypeState {
  const { subscribed, inFlight } = state
  if (!(subscribed instanceof Set) || (subscribe.length === 0 && unsubscribe.length === 0)) return state
  const names = new Set([...subscribed, ...subscribe])
  for (const name of unsubscribe) if (!subscribe.includes(name)) names.delete(name)
  return {
    ...state,
    subscribed: names,
    unanswered: new Set([...[...state.unanswered].filter((name) => names.has(name)), ...subscribe]),
    sent: forget(state.sent, subscribe),
    acked: forget(state.acked, unsubscribe),
    // Taken in or not: the answer will not tell.
    inFlight: inFlight && {
      ...inFlight,
      resources: inFlight.resources.filter(({ name }) => !unsubscribe.includes(name)),
    },
  }
}
