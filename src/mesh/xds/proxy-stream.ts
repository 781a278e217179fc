import type { ServerDuplexStream } from '@grpc/grpc-js'
import type { Logger } from '../../runtime/index.ts'
import type { DiscoveryRequest, ResourceType } from '../envoy/index.ts'
import { next } from './next.ts'
import { type RequestEvent, receive } from './receive.ts'
import { rejectionText } from './rejection-text.ts'
import { encodeResponse } from './response-bytes.ts'
import type { Snapshot } from './snapshot.ts'
import { newStream, type StreamState } from './stream-state.ts'

export type AdsCall = ServerDuplexStream<DiscoveryRequest, Buffer>

export interface StreamReport {
  pushed(type: ResourceType): void
  received(event: RequestEvent): void
}

/** One stream of one proxy: applies requests and snapshots in turn, and sends what the state says is next. */
export interface ProxyStream {
  readonly nodeId: string
  readonly state: StreamState
  receive(request: DiscoveryRequest): void
  setSnapshot(snapshot: Snapshot): void
}

export interface ProxyStreamOptions {
  readonly nodeId: string
  readonly call: AdsCall
  readonly log: Logger
  readonly report: StreamReport
}

export function createProxyStream({ nodeId, call, log, report }: ProxyStreamOptions): ProxyStream {
  let state = newStream
  let snapshot: Snapshot | undefined
  let isFull = false

  const flush = (): void => {
    if (snapshot === undefined) return
    // A slow proxy gets the newest state when it can take more, not every one in between.
    while (!isFull) {
      const planned = next(state, snapshot)
      if (planned === undefined) return
      state = planned.state
      isFull = !call.write(encodeResponse(planned.response))
      report.pushed(planned.response.type)
    }
  }
  call.on('drain', () => {
    isFull = false
    flush()
  })

  return {
    nodeId,
    get state() {
      return state
    },
    receive(request) {
      const error = request.errorDetail && rejectionText(request.errorDetail.message)
      const received = receive(state, { ...request, error })
      state = received.state
      logRequest(log, received.event)
      report.received(received.event)
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
