import { type Pod, podKind } from '../api/index.ts'
import type { LivingPods } from '../canary/index.ts'
import type { KubeClient } from '../kube/index.ts'
import { isDaemonSet, type Workload } from './workload/workload.ts'

/** Pods with the labels that a workload selects by, as the API server has them now. */
export async function listPods(client: Pick<KubeClient, 'list'>, workload: Workload): Promise<readonly Pod[]> {
  const labelSelector = renderSelector(workload)
  return (await client.list(podKind, { namespace: workload.metadata.namespace, labelSelector })).items
}

const renderSelector = ({ spec }: Workload): string =>
  Object.entries(spec.selector.matchLabels ?? {})
    .map(([label, value]) => `${label}=${value}`)
    .join(',')

export function countPods(workload: Workload, pods: readonly Pod[]): LivingPods {
  const living = pods.filter((pod) => isOf(pod, workload) && isLiving(pod))
  return { all: living.length, ready: living.filter(isReady).length }
}

/** A Deployment's pods are those of its ReplicaSets. */
function isOf({ metadata }: Pod, workload: Workload): boolean {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true)
  return owner?.kind === (isDaemonSet(workload) ? 'DaemonSet' : 'ReplicaSet')
}

const isLiving = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp === undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') === true
