/**
 * mesh/control-plane: the process of the mesh. It watches the cluster, hands every proxy its configuration over xDS,
 * and says on each VirtualService whether it is in force (condition Programmed).
 * It knows no canary: whoever writes a VirtualService is served alike.
 */

export { countedReviews } from './admission-metrics.ts'
export { authenticateByKey, authenticateByTokenReview } from './authenticate.ts'
export type { CertificateSettings } from './certificates.ts'
export { type ControlPlane, type ControlPlaneOptions, createControlPlane } from './control-plane.ts'
export type { KeyFetcherSettings } from './key-fetcher.ts'
export type { ProxyConfiguration, ProxyStatus, ProxyViews } from './proxy-views.ts'
export type { ReplicaSettings } from './replicas.ts'
export { replicaLabel } from './reporter.ts'
export type { ReflectorOf } from './watches.ts'
