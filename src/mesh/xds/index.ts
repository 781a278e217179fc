/**
 * mesh/xds: brings each proxy its snapshot over Envoy's aggregated discovery service and knows what each has accepted.
 * What to send next is a pure function of the stream's state (receive, next); the server around it only moves bytes.
 * It knows neither Kubernetes nor Istio.
 */
export type { Authenticate, ProxyIdentity, ServerCertificate } from './admission.ts'
export {
  type AdsObserver,
  type AdsServer,
  type AdsServerOptions,
  type ConnectedProxy,
  createAdsServer,
} from './ads-server.ts'
export { type DeltaState, newDeltaStream } from './delta-state.ts'
export { next, type Planned, type Response } from './next.ts'
export { type DeltaResponse, nextDelta } from './next-delta.ts'
export { type Received, type Request, type RequestEvent, receive } from './receive.ts'
export { type DeltaRequest, receiveDelta } from './receive-delta.ts'
export type { Resources, SnapshotResource } from './resources.ts'
export { createSnapshotBuilder, type Snapshot, type SnapshotBuilder } from './snapshot.ts'
export { newStream, type StreamState } from './stream-state.ts'
