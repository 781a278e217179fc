/**
 * mesh/istio: Istio's networking objects and Kubernetes' Services, EndpointSlices and Pods become the mesh's model.
 * It is pure and total: an object that cannot be carried out is a finding, never an exception and never half applied.
 * It knows no Envoy message and talks to no server.
 */
export { analyze } from './analyze.ts'
export { checkObject } from './check-object.ts'
export { type ClusterObjects, configurationLists } from './cluster-objects.ts'
export type { Diagnostic, Fix } from './diagnostic.ts'
export type { FoundCredential } from './gateway-listeners.ts'
export { healthCheckTextOf } from './health-check.ts'
export { keyOf } from './object-key.ts'
export { renderPath } from './path.ts'
export { readSpec, type SpecIssue, specIssues } from './read-spec.ts'
export { type FetchedKeys, type KeySource, keySourcesOf } from './request-authentication.ts'
export { strayFields } from './stray-fields.ts'
export { isKeySet } from './supported-security.ts'
export { createTranslation, type Translation, translate } from './translate.ts'
export { workloadOf } from './workload.ts'
