/**
 * kube: talking to a Kubernetes API server: client, reflector, work queue, leader election, events.
 * It knows the API's rules and no domain: which objects matter is the caller's business.
 * `@kubernetes/client-node` reads kubeconfigs and credentials and nothing else; requests are ours, because its informer
 * ends for good at the first HTTP 500.
 */
export type { Random } from './backoff.ts'
export { createKubeClient, type KubeClientOptions } from './client.ts'
export { type ApiConnection, apiServerHost, checkKubeConfig, type KubeConfigSource } from './credentials.ts'
export { createEventRecorder, type EventRecorderOptions } from './event-recorder.ts'
export { type ElectionOptions, type ElectionOutcome, runLeaderElection } from './leader-election.ts'
export * from './port.ts'
export type { Rank } from './ranked-keys.ts'
export { createReflector, type ReflectorOptions } from './reflector.ts'
export { isNewer } from './resource-version.ts'
export { createWorkQueue, type WorkQueueOptions } from './work-queue.ts'
