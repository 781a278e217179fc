import { Server, status } from '@grpc/grpc-js'
import { type Logger, messageOf } from '../../runtime/index.ts'
import type { DiscoveryRequest, ResourceType } from '../envoy/index.ts'
import {
  type Authenticate,
  bearerToken,
  isOwnNode,
  type ProxyIdentity,
  type ServerCertificate,
  serverCredentials,
} from './admission.ts'
import { adsService } from './ads-service.ts'
import { type AdsCall, createProxyStream, type ProxyStream, type StreamReport } from './proxy-stream.ts'
import type { RequestEvent } from './receive.ts'
import type { Snapshot } from './snapshot.ts'

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
  pushed?(nodeId: string, type: ResourceType): void
  /** After the state has taken it in. */
  received?(nodeId: string, event: RequestEvent): void
}

/** What a connected proxy has, as far as it has told. */
export interface ConnectedProxy {
  readonly nodeId: string
  /** Version of the resource that the proxy has accepted. */
  accepted(type: ResourceType, name: string): string | undefined
  /** Set when the proxy rejected just this version. */
  rejection(type: ResourceType, name: string, version: string): string | undefined
}

/** Serves Envoy's aggregated discovery service (state of the world). */
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
  const streams = new Set<ProxyStream>()
  const server = new Server({
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.keepalive_permit_without_calls': 1,
  })
  server.addService(adsService, {
    StreamAggregatedResources: (call: AdsCall) => void serveCall(call, { ...options, snapshots, streams }),
  })
  return {
    listen: () => listen(server, options),
    close: () => server.forceShutdown(),
    setSnapshot(nodeId, snapshot) {
      if (snapshots.get(nodeId) === snapshot) return
      snapshots.set(nodeId, snapshot)
      for (const stream of streams) if (stream.nodeId === nodeId) stream.setSnapshot(snapshot)
    },
    removeSnapshot: (nodeId) => void snapshots.delete(nodeId),
    connected: () => new Map([...streams].map((stream) => [stream.nodeId, describeStream(stream)])),
  }
}

interface Serving extends AdsServerOptions {
  readonly snapshots: ReadonlyMap<string, Snapshot>
  readonly streams: Set<ProxyStream>
}

async function serveCall(call: AdsCall, serving: Serving): Promise<void> {
  const { log, streams, observer } = serving
  let stream: ProxyStream | undefined
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
  call.on('data', (request: DiscoveryRequest) => {
    stream ??= openStream(call, request, identity, serving)
    stream?.receive(request)
  })
}

const refuse = (call: AdsCall, code: status, details: string): undefined => void call.emit('error', { code, details })

/** Undefined when the call was refused. */
async function identify(call: AdsCall, { authenticate, log }: Serving): Promise<ProxyIdentity | 'anybody' | undefined> {
  if (authenticate === undefined) return 'anybody'
  try {
    const identity = await authenticate(bearerToken(call.metadata.get('authorization')))
    if (identity !== undefined) return identity
    log.warn({ peer: call.getPeer() }, 'proxy refused: its token is missing or wrong')
    return refuse(call, status.UNAUTHENTICATED, 'the token is missing or wrong')
  } catch (error) {
    log.error({ peer: call.getPeer(), error: messageOf(error) }, 'proxy refused: its token could not be checked')
    return refuse(call, status.UNAVAILABLE, 'the token cannot be checked now')
  }
}

function openStream(
  call: AdsCall,
  request: DiscoveryRequest,
  identity: ProxyIdentity | 'anybody',
  serving: Serving,
): ProxyStream | undefined {
  const { log, streams, snapshots, observer } = serving
  // Only the first request of a stream says who asks.
  const nodeId = request.node?.id ?? ''
  if (nodeId === '') {
    return refuse(call, status.INVALID_ARGUMENT, 'the first request must carry node.id')
  }
  if (identity !== 'anybody' && !isOwnNode(nodeId, identity)) {
    log.warn({ node: nodeId, peer: call.getPeer(), ...identity }, 'proxy refused: its token is that of another pod')
    return refuse(call, status.PERMISSION_DENIED, 'the token is that of another pod')
  }
  const report: StreamReport = {
    pushed: (type) => observer?.pushed?.(nodeId, type),
    received: (event) => observer?.received?.(nodeId, event),
  }
  const stream = createProxyStream({ nodeId, call, log: log.child({ node: nodeId }), report })
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

const describeStream = (stream: ProxyStream): ConnectedProxy => ({
  nodeId: stream.nodeId,
  accepted: (type, name) => stream.state.types[type].acked.get(name)?.version,
  rejection(type, name, version) {
    const rejected = stream.state.types[type].rejected
    return rejected?.resources.get(name)?.version === version ? rejected.message : undefined
  },
})
