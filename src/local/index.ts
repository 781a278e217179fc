/**
 * local: Kubernetes on a laptop without a cluster, Docker or root: an API server in this process, Deployments and pods as
 * processes, an Envoy beside each meshed one, a Prometheus, and the mesh and the controller as children over the
 * kubeconfig, unchanged. It knows nothing of canaries: those are the controller's.
 */
export type { LocalPlatformOptions } from './platform/options.ts'
export { createLocalPlatform, type LocalPlatform } from './platform/platform.ts'
export {
  createProgressReport,
  type ProvisionOptions,
  provisionTools,
  type ToolLocation,
  type ToolLocations,
} from './tools/index.ts'
