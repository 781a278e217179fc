import type { ServerDuplexStream } from '@grpc/grpc-js'
import type { Logger } from '../../runtime/index.ts'
import type { ResourceType } from '../envoy/index.ts'
import type { Conversation } from './conversation.ts'
import type { RequestEvent } from './receive.ts'
import type { Snapshot } from './snapshot.ts'

export type AdsCall = ServerDuplexStream<Buffer, Buffer>

export interface StreamReport {
  pushed(type: ResourceType, bytes: number): void
  received(event: RequestEvent): void
}

/** One stream of one proxy: applies requests and snapshots in turn, and sends what the conversation says is next. */
export interface ProxyStream
  extends Pick<Conversation<unknown>, 'isSubscribed' | 'accepted' | 'rejection' | 'hasRejections'> {
  readonly nodeId: string
  /** What the proxy says it is, such as `envoy 1.40.0`. */
  readonly agent: string
  setSnapshot(snapshot: Snapshot): void
}

export interface ReceivingStream<Request> extends ProxyStream {
  receive(request: Request): void
  /** The most names that it asks for of any type. */
  subscriptions(): number
}

export interface ProxyStreamOptions<Request> {
  readonly nodeId: string
  readonly agent: string
  readonly call: {
    /** False when it can take no more until it drains. */
    write(bytes: Buffer): boolean
    on(event: 'drain', listener: () => void): unknown
  }
  readonly conversation: Conversation<Request>
  readonly log: Logger
  readonly report: StreamReport
}

export function createProxyStream<Request>(options: ProxyStreamOptions<Request>): ReceivingStream<Request> {
  const { nodeId, call, conversation, log, report } = options
  let snapshot: Snapshot | undefined
  let isFull = false

  const flush = (): void => {
    if (snapshot === undefined) return
    // A slow proxy gets the newest state when it can take more, not every one in between.
    while (!isFull) {
      const response = conversation.next(snapshot)
      if (response === undefined) return
      isFull = !call.write(response.bytes)
      report.pushed(response.type, response.bytes.length)
    }
  }
  call.on('drain', () => {
    isFull = false
    flush()
  })

  return {
    nodeId,
    agent: options.agent,
    isSubscribed: conversation.isSubscribed,
    accepted: conversation.accepted,
    rejection: conversation.rejection,
    hasRejections: conversation.hasRejections,
    subscriptions: conversation.subscriptions,
    receive(request) {
      const event = conversation.receive(request)
      logRequest(log, event)
      report.received(event)
      flush()
    },
    setSnapshot(newest) {
      snapshot = newest
      flush()
    },
  }
}

function logRequest(log: Logger, event: RequestEvent): void {
  if (event.kind === 'rejected') {
    log.error(
      { type: event.type, resources: event.names, error: event.message },
      'proxy rejected configuration and keeps its last good one',
    )
  } else if (event.kind === 'unknown-type') {
    log.warn({ typeUrl: event.typeUrl }, 'proxy asks for a type that is not served')
  } else {
    log.debug({ type: event.type, request: event.kind }, 'request of a proxy')
  }
}
