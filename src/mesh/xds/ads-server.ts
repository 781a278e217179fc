import { Server, status } from '@grpc/grpc-js'
import { type Logger, messageOf } from '../../runtime/index.ts'
import type { ResourceType } from '../envoy/index.ts'
import {
  type Authenticate,
  bearerToken,
  isOwnNode,
  type ProxyIdentity,
  type ServerCertificate,
  serverCredentials,
} from './admission.ts'
import { adsService } from './ads-service.ts'
import { agentOf } from './agent.ts'
import type { Conversation } from './conversation.ts'
import { incremental, type Protocol, type ReadRequest, stateOfTheWorld } from './protocols.ts'
import {
  type AdsCall,
  createProxyStream,
  type ProxyStream,
  type ReceivingStream,
  type StreamReport,
} from './proxy-stream.ts'
import type { RequestEvent } from './receive.ts'
import { excessOf, isTooMuch, TOO_MANY_NAMES } from './request-limits.ts'
import type { Snapshot } from './snapshot.ts'
import { Streams } from './streams.ts'

export interface AdsServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Who shows the token of `authorization: Bearer TOKEN`; everybody is let in when absent. */
  readonly authenticate?: Authenticate | undefined
  /** Plain text when absent. */
  readonly certificate?: ServerCertificate | undefined
  readonly log: Logger
  readonly observer?: AdsObserver
}

export interface AdsObserver {
  connected?(nodeId: string): void
  disconnected?(nodeId: string): void
  /** A stream was closed for its token. */
  refused?(): void
  pushed?(nodeId: string, type: ResourceType, bytes: number): void
  /** After the state has taken it in. */
  received?(nodeId: string, event: RequestEvent): void
}

/** What a connected proxy has, as far as it has told. */
export type ConnectedProxy = Omit<ProxyStream, 'setSnapshot'>

/** Serves Envoy's aggregated discovery service, state of the world and incremental. */
export interface AdsServer {
  /** Resolves with the port once it listens; rejects when it cannot. */
  listen(): Promise<number>
  close(): void
  /** What the proxy is to have from now on; sent at once where it is connected. */
  setSnapshot(nodeId: string, snapshot: Snapshot): void
  removeSnapshot(nodeId: string): void
  /** By node id; of two streams of one node the newer. */
  connected(): ReadonlyMap<string, ConnectedProxy>
}

export function createAdsServer(options: AdsServerOptions): AdsServer {
  const snapshots = new Map<string, Snapshot>()
  const streams = new Streams()
  const serving = { ...options, snapshots, streams }
  const server = new Server({
    // Channelz stays on: of connections that it does not know, a forced shutdown closes none.
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.keepalive_permit_without_calls': 1,
  })
  server.addService(adsService, {
    StreamAggregatedResources: (call: AdsCall) => void serveCall(call, stateOfTheWorld, serving),
    DeltaAggregatedResources: (call: AdsCall) => void serveCall(call, incremental, serving),
  })
  return {
    listen: () => listen(server, options),
    close: () => server.forceShutdown(),
    setSnapshot(nodeId, snapshot) {
      if (snapshots.get(nodeId) === snapshot) return
      snapshots.set(nodeId, snapshot)
      for (const stream of streams.of(nodeId)) stream.setSnapshot(snapshot)
    },
    removeSnapshot: (nodeId) => void snapshots.delete(nodeId),
    connected: () => streams.newest,
  }
}

interface Serving extends AdsServerOptions {
  readonly snapshots: ReadonlyMap<string, Snapshot>
  readonly streams: Streams
}

async function serveCall<Request>(call: AdsCall, protocol: Protocol<Request>, serving: Serving): Promise<void> {
  const { log, streams, observer } = serving
  let stream: ReceivingStream<Request> | undefined
  const close = (): void => {
    if (stream === undefined || !streams.delete(stream)) return
    log.info({ node: stream.nodeId }, 'proxy disconnected')
    observer?.disconnected?.(stream.nodeId)
  }
  call.on('end', () => {
    close()
    call.end()
  })
  call.on('cancelled', close)
  call.on('close', close)
  call.on('error', (error) => {
    log.debug({ node: stream?.nodeId, error: error.message }, 'stream of a proxy failed')
    close()
  })
  const identity = await identify(call, serving)
  if (identity === undefined || call.cancelled) return
  const take = (bytes: Buffer): Refusal | undefined => {
    const read = readOrRefuse(protocol, bytes)
    if ('refusal' in read) return read
    if (stream === undefined) {
      const opened = openStream({ ...serving, call, identity, conversation: protocol.create }, read.node)
      if ('refusal' in opened) return opened
      stream = opened
    }
    stream.receive(read.request)
    return read.names.length > 0 && isTooMuch(stream.subscriptions()) ? tooMuch(TOO_MANY_NAMES) : undefined
  }
  let isRefused = false
  call.on('data', (bytes: Buffer) => {
    const refused = isRefused ? undefined : take(bytes)
    if (refused === undefined) return
    isRefused = true
    const who = identity === 'anybody' ? {} : identity
    const node = refused.node ?? stream?.nodeId
    log.warn({ node, peer: call.getPeer(), ...who }, `proxy refused: ${refused.refusal}`)
    refuse(call, refused.code, refused.refusal)
  })
}

interface Refusal {
  readonly code: status
  readonly refusal: string
  /** Whom it claims to be. */
  readonly node?: string
}

const tooMuch = (refusal: string): Refusal => ({ code: status.RESOURCE_EXHAUSTED, refusal })

function readOrRefuse<Request>({ read }: Protocol<Request>, bytes: Buffer): ReadRequest<Request> | Refusal {
  try {
    const request = read(bytes)
    const excess = excessOf(request.names)
    return excess === undefined ? request : tooMuch(excess)
  } catch {
    return { code: status.INVALID_ARGUMENT, refusal: 'it sent what is no discovery request' }
  }
}

const refuse = (call: AdsCall, code: status, details: string): undefined => void call.emit('error', { code, details })

/** Undefined when the call was refused. */
async function identify(
  call: AdsCall,
  { authenticate, log, observer }: Serving,
): Promise<ProxyIdentity | 'anybody' | undefined> {
  if (authenticate === undefined) return 'anybody'
  try {
    const identity = await authenticate(bearerToken(call.metadata.get('authorization')))
    if (identity !== undefined) return identity
    log.warn({ peer: call.getPeer() }, 'proxy refused: its token is missing or wrong')
    observer?.refused?.()
    return refuse(call, status.UNAUTHENTICATED, 'the token is missing or wrong')
  } catch (error) {
    log.error({ peer: call.getPeer(), error: messageOf(error) }, 'proxy refused: its token could not be checked')
    return refuse(call, status.UNAVAILABLE, 'the token cannot be checked now')
  }
}

interface Opening<Request> extends Serving {
  readonly call: AdsCall
  readonly identity: ProxyIdentity | 'anybody'
  readonly conversation: () => Conversation<Request>
}

/** Only the first request of a stream says who asks. */
function openStream<Request>(
  opening: Opening<Request>,
  node: ReadRequest<Request>['node'],
): ReceivingStream<Request> | Refusal {
  const nodeId = node?.id ?? ''
  const { call, identity, log, streams, snapshots, observer } = opening
  if (nodeId === '') return { code: status.INVALID_ARGUMENT, refusal: 'its first request must carry node.id' }
  if (identity !== 'anybody' && !isOwnNode(nodeId, identity)) {
    observer?.refused?.()
    return { code: status.PERMISSION_DENIED, refusal: 'its token is that of another pod', node: nodeId }
  }
  const report: StreamReport = {
    pushed: (type, bytes) => observer?.pushed?.(nodeId, type, bytes),
    received: (event) => observer?.received?.(nodeId, event),
  }
  const conversation = opening.conversation()
  const stream = createProxyStream({
    nodeId,
    agent: agentOf(node),
    call,
    conversation,
    log: log.child({ node: nodeId }),
    report,
  })
  streams.add(stream)
  log.info({ node: nodeId, peer: call.getPeer() }, 'proxy connected')
  observer?.connected?.(nodeId)
  const snapshot = snapshots.get(nodeId)
  if (snapshot !== undefined) stream.setSnapshot(snapshot)
  return stream
}

function listen(server: Server, { host, port, certificate }: AdsServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, serverCredentials(certificate), (error, bound) => {
      if (error === null) return resolve(bound)
      const hint = 'another process may hold it: stop that, or choose another address'
      reject(new Error(`xDS server cannot listen on ${host}:${port}; ${hint}`, { cause: error }))
    })
  })
}
