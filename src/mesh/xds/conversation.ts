import type { ResourceType } from '../envoy/index.ts'
import { newDeltaStream } from './delta-state.ts'
import { heldOf } from './held.ts'
import { next } from './next.ts'
import { nextDelta } from './next-delta.ts'
import { type Request, type RequestEvent, receive } from './receive.ts'
import { type DeltaRequest, receiveDelta } from './receive-delta.ts'
import { encodeDeltaResponse, encodeResponse } from './response-bytes.ts'
import type { Snapshot } from './snapshot.ts'
import { newStream } from './stream-state.ts'

/** One stream in one of the two protocols: what came in, and what goes out next. */
export interface Conversation<Request> {
  receive(request: Request): RequestEvent
  next(snapshot: Snapshot): { readonly type: ResourceType; readonly bytes: Buffer } | undefined
  /** Version of the resource that the proxy has accepted. */
  accepted(type: ResourceType, name: string): string | undefined
  /** Set when the proxy rejected just this version. */
  rejection(type: ResourceType, name: string, version: string): string | undefined
}

/** Every response is all that was asked of its type, or all that changed of it. */
export function createWorldConversation(): Conversation<Request> {
  let state = newStream
  return {
    receive(request) {
      const received = receive(state, request)
      state = received.state
      return received.event
    },
    next(snapshot) {
      const planned = next(state, snapshot)
      if (planned === undefined) return undefined
      state = planned.state
      return { type: planned.response.type, bytes: encodeResponse(planned.response) }
    },
    accepted: (type, name) => state.types[type].acked.get(name)?.version,
    rejection(type, name, version) {
      const { rejected } = state.types[type]
      return rejected?.resources.get(name)?.version === version ? rejected.message : undefined
    },
  }
}

/** Every response is what changed, and what is gone. */
export function createDeltaConversation(): Conversation<DeltaRequest> {
  let state = newDeltaStream
  return {
    receive(request) {
      const received = receiveDelta(state, request)
      state = received.state
      return received.event
    },
    next(snapshot) {
      const planned = nextDelta(state, snapshot)
      if (planned === undefined) return undefined
      state = planned.state
      return { type: planned.response.type, bytes: encodeDeltaResponse(planned.response) }
    },
    accepted: (type, name) => heldOf(state.types[type].acked, name)?.version,
    rejection(type, name, version) {
      const rejected = state.types[type].rejected.get(name)
      return rejected?.version === version ? rejected.message : undefined
    },
  }
}
