/**
 * local/node-agent: what a kubelet, a container runtime and kube-proxy do, without root: a container is a process group,
 * a meshed pod has one Envoy beside it, a Service's address leads to its pods. It reads and writes Pod objects only;
 * which pods there should be is decided by local/workloads, and what Envoy routes by the mesh.
 */
export {
  createNodeAgent,
  type NodeAgent,
  type NodeAgentOptions,
  type ReadLogRequest,
} from './agent.ts'
export { type ContainerLog, createContainerLog } from './container/container-log.ts'
export type { RestartTiming } from './container/restart-delay.ts'
export type { IsolatedNetwork } from './network/isolation.ts'
export { createPodNetwork, missingForNamespaces, type PodNamespace, type PodNetwork } from './network/pod-network.ts'
export type { BootstrapFacts, SidecarOptions, XdsAddress } from './pod/envoy-launch.ts'
export { createMeshTrust, type MeshTrust } from './pod/mesh-trust.ts'
export type { PodTiming } from './pod/pod-dependencies.ts'
export { type SidecarMode, sidecarModeOf } from './spec/sidecar-membership.ts'
