/**
 * mesh/envoy: the model becomes Envoy's resources, and the file that an Envoy starts with.
 * It is pure: equal models give equal bytes, so that nothing is sent, and no listener drains, without a reason.
 * It knows neither Istio's objects nor who is connected.
 */
export {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
} from './api.ts'
export { type BootstrapOptions, renderBootstrap } from './bootstrap.ts'
export { blackHoleCluster } from './cluster.ts'
export { encodedToJson, resourceToJson } from './describe.ts'
export { listenerName } from './listener.ts'
export type { Probe, ProbeTarget } from './probes.ts'
export { createMeshRenderer, type ProxyResources, renderMesh } from './proxy-resources.ts'
export {
  type EnvoyResource,
  eachType,
  type ResourceType,
  resourceTypes,
  tableOfVirtualHost,
  typeUrls,
  virtualHostName,
} from './resource.ts'
export {
  type Credential,
  renderCredential,
  renderIdentity,
  renderSystemRoots,
  renderTrust,
  trustSecret,
} from './secret.ts'
export { type Observability, type Tracing, telemetryDefaults } from './side-telemetry.ts'
export { renderTokenSecret, type TokenFile } from './token-file.ts'
export { virtualInboundName } from './virtual-listeners.ts'
export { renderXdsTrust, type XdsTrust } from './xds-trust.ts'
