import type { DaemonSet, Deployment, EndpointSlice, Job, Pod, ReplicaSet, Service } from '../../api/index.ts'
import type { EventRecorder, KubeClient, ObjectRef, Reflector } from '../../kube/index.ts'
import type { Clock } from '../../runtime/index.ts'

/** What the reconcilers of this room share. */
export interface WorkloadContext {
  readonly client: KubeClient
  readonly daemonSets: Reflector<DaemonSet>
  readonly deployments: Reflector<Deployment>
  readonly replicaSets: Reflector<ReplicaSet>
  readonly jobs: Reflector<Job>
  readonly pods: Reflector<Pod>
  readonly services: Reflector<Service>
  readonly endpointSlices: Reflector<EndpointSlice>
  readonly events: EventRecorder
  readonly clock: Clock
  readonly random: () => number
  /** Uids of pods whose deletion was asked for; an entry goes when the pod has gone. */
  readonly leaving: Set<string>
}

export const keyOf = (ref: ObjectRef): string => `${ref.namespace ?? ''}/${ref.name}`

export function parseKey(key: string): ObjectRef {
  const [namespace = '', name = ''] = key.split('/')
  return namespace === '' ? { name } : { namespace, name }
}
