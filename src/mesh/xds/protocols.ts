import { fromBinary } from '@bufbuild/protobuf'
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
} from '../envoy/index.ts'
import { readAcceptance } from './acceptance.ts'
import { type Conversation, createDeltaConversation, createWorldConversation } from './conversation.ts'
import type { Request } from './receive.ts'
import type { DeltaRequest } from './receive-delta.ts'
import { rejectionText } from './rejection-text.ts'

/** One of the two protocols on the wire. */
export interface Protocol<Request> {
  readonly create: () => Conversation<Request>
  /** Throws on what is no such request. */
  readonly read: (bytes: Buffer) => ReadRequest<Request>
}

export interface ReadRequest<Request> {
  readonly node: DiscoveryRequest['node']
  /** All that it names. */
  readonly names: readonly string[]
  readonly request: Request
}

export const stateOfTheWorld: Protocol<Request> = {
  create: createWorldConversation,
  read(bytes) {
    const message = fromBinary(DiscoveryRequestSchema, bytes)
    return { node: message.node, names: message.resourceNames, request: { ...message, error: errorOf(message) } }
  },
}

export const incremental: Protocol<DeltaRequest> = {
  create: createDeltaConversation,
  read(bytes) {
    const acceptance = readAcceptance(bytes)
    if (acceptance !== undefined) return { node: undefined, names: [], request: acceptance }
    const message = fromBinary(DeltaDiscoveryRequestSchema, bytes)
    const request = {
      typeUrl: message.typeUrl,
      subscribe: message.resourceNamesSubscribe,
      unsubscribe: message.resourceNamesUnsubscribe,
      initialVersions: message.initialResourceVersions,
      responseNonce: message.responseNonce,
      error: errorOf(message),
    }
    const names = [...request.subscribe, ...request.unsubscribe, ...Object.keys(request.initialVersions)]
    return { node: message.node, names, request }
  },
}

const errorOf = ({ errorDetail }: DiscoveryRequest | DeltaDiscoveryRequest): string | undefined =>
  errorDetail && rejectionText(errorDetail.message)
