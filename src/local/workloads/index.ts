/**
 * local/workloads: what kube-controller-manager does for a laptop: Deployments with rolling updates, ReplicaSets,
 * DaemonSets of the one node, Jobs, and the EndpointSlices of Services. The decisions are plain functions of what was seen; the reconcilers only carry them out.
 * It starts no process and knows no address: that is the node agent's.
 */
export { createWorkloadControllers, type WorkloadControllers, type WorkloadControllersOptions } from './controllers.ts'
