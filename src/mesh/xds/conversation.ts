import { type ResourceType, resourceTypes } from '../envoy/index.ts'
import { newDeltaStream } from './delta-state.ts'
import { heldOf } from './held.ts'
import { next } from './next.ts'
import { nextDelta } from './next-delta.ts'
import { type Request, type RequestEvent, receive } from './receive.ts'
import { type DeltaRequest, receiveDelta } from './receive-delta.ts'
import { encodeDeltaResponse, encodeResponse } from './response-bytes.ts'
import type { Snapshot } from './snapshot.ts'
import { newStream, type TypeState } from './stream-state.ts'

/** One stream in one of the two protocols: what came in, and what goes out next. */
export interface Conversation<Request> {
  receive(request: Request): RequestEvent
  next(snapshot: Snapshot): { readonly type: ResourceType; readonly bytes: Buffer } | undefined
  isSubscribed(type: ResourceType, name: string): boolean
  /** The most names that were asked for of any type. */
  subscriptions(): number
  /** Version of the resource that the proxy has accepted. */
  accepted(type: ResourceType, name: string): string | undefined
  /** Set when the proxy rejected just this version. */
  rejection(type: ResourceType, name: string, version: string): string | undefined
  /** Of any type. */
  hasRejections(): boolean
}

interface Subscriptions {
  readonly types: Readonly<Record<ResourceType, Pick<TypeState, 'subscribed'>>>
}

/** What tells one protocol from the other: pure steps over its own state. */
interface Protocol<State extends Subscriptions, Request, Response extends { readonly type: ResourceType }> {
  readonly begin: State
  receive(state: State, request: Request): { readonly state: State; readonly event: RequestEvent }
  next(state: State, snapshot: Snapshot): { readonly state: State; readonly response: Response } | undefined
  encode(response: Response): Buffer
  accepted(state: State, type: ResourceType, name: string): string | undefined
  rejection(state: State, type: ResourceType, name: string): { version: string; message: string } | undefined
  hasRejections(state: State, type: ResourceType): boolean
}

function converse<State extends Subscriptions, Request, Response extends { readonly type: ResourceType }>(
  protocol: Protocol<State, Request, Response>,
): Conversation<Request> {
  let state = protocol.begin
  return {
    receive(request) {
      const received = protocol.receive(state, request)
      state = received.state
      return received.event
    },
    next(snapshot) {
      const planned = protocol.next(state, snapshot)
      if (planned === undefined) return undefined
      state = planned.state
      return { type: planned.response.type, bytes: protocol.encode(planned.response) }
    },
    isSubscribed(type, name) {
      const { subscribed } = state.types[type]
      return subscribed === 'all' || subscribed?.has(name) === true
    },
    subscriptions: () =>
      Math.max(
        ...Object.values(state.types).map(({ subscribed }) => (subscribed instanceof Set ? subscribed.size : 0)),
      ),
    accepted: (type, name) => protocol.accepted(state, type, name),
    rejection(type, name, version) {
      const rejected = protocol.rejection(state, type, name)
      return rejected?.version === version ? rejected.message : undefined
    },
    hasRejections: () => resourceTypes.some((type) => protocol.hasRejections(state, type)),
  }
}

/** Every response is all that was asked of its type, or all that changed of it. */
export const createWorldConversation = (): Conversation<Request> =>
  converse({
    begin: newStream,
    receive,
    next,
    encode: encodeResponse,
    accepted: (state, type, name) => state.types[type].acked.get(name)?.version,
    rejection(state, type, name) {
      const { rejected } = state.types[type]
      const resource = rejected?.resources.get(name)
      return rejected && resource && { version: resource.version, message: rejected.message }
    },
    hasRejections: (state, type) => state.types[type].rejected !== undefined,
  })

/** Every response is what changed, and what is gone. */
export const createDeltaConversation = (): Conversation<DeltaRequest> =>
  converse({
    begin: newDeltaStream,
    receive: receiveDelta,
    next: nextDelta,
    encode: encodeDeltaResponse,
    accepted: (state, type, name) => heldOf(state.types[type].acked, name)?.version,
    rejection: (state, type, name) => state.types[type].rejected.get(name),
    hasRejections: (state, type) => state.types[type].rejected.size > 0,
  })
