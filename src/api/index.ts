/**
 * api: the objects that Sluice reads and writes, as zod schemas (its own kinds) and types (everybody else's).
 * It does no I/O; it parses, fills defaults and renders CRDs. Other rooms take complete values from here:
 * `parseCanary` and its like are the only way from an object of unknown origin to a trusted one.
 */
export * from './alert-provider.ts'
export type { AnalysisMatch } from './analysis-match.ts'
export * from './canary.ts'
export * from './canary-run.ts'
export { movesConnections } from './connection-rules.ts'
export { type CustomResource, crdFor, type PrinterColumn } from './crd.ts'
export {
  allCustomResourceDefinitions,
  flaggerCustomResourceDefinitions,
  istioCustomResourceDefinitions,
  localCustomResourceDefinitions,
} from './custom-resources.ts'
export {
  flaggerAlertProviderKind,
  flaggerCanaryKind,
  flaggerFinalizer,
  flaggerMetricTemplateKind,
  isOfFlagger,
} from './flagger.ts'
export * from './gates.ts'
export { type GuardSettings, guardSettingsOf } from './guard.ts'
export * from './image-policy.ts'
export * from './istio/networking.ts'
export {
  type AuthorizationPolicy,
  authorizationPolicyKind,
  type PeerAuthentication,
  peerAuthenticationKind,
  type RequestAuthentication,
  requestAuthenticationKind,
} from './istio/security.ts'
export {
  type ServiceEntry,
  serviceEntryKind,
  type WorkloadEntry,
  type WorkloadEntrySpec,
  workloadEntryKind,
} from './istio/service-entry.ts'
export { type Sidecar, sidecarKind } from './istio/sidecar.ts'
export { type Telemetry, telemetryKind } from './istio/telemetry.ts'
export * from './kubernetes/autoscaling.ts'
export * from './kubernetes/batch.ts'
export * from './kubernetes/core.ts'
export * from './kubernetes/meta.ts'
export * from './kubernetes/workloads.ts'
export * from './local-image.ts'
export * from './local-platform.ts'
export * from './metric.ts'
export * from './metric-memory.ts'
export * from './metric-template.ts'
export * from './metrics-provider.ts'
export {
  parseAlertProvider,
  parseCanary,
  parseImagePolicy,
  parseMetricTemplate,
} from './parse.ts'
export { type Phase, phaseSchema } from './phase.ts'
export type { ServiceMetadata } from './service-objects.ts'
export type { ServiceMatch } from './service-routing.ts'
export type { SessionAffinity } from './session-affinity.ts'
export { meetsText } from './text-match.ts'
export * from './version.ts'
