import { type Pod, type ReplicaSet, replicaSetKind } from '../../api/index.ts'
import type { WorkOutcome } from '../../kube/index.ts'
import { createOwnedPod, deleteOwnedPod, renderOwnedPod } from './owned-pod.ts'
import { isControlledBy } from './ownership.ts'
import { decideReplicaSet, type ReplicaSetAction } from './replica-set.ts'
import { parseKey, type WorkloadContext } from './workload-context.ts'

/** Creates or deletes pods of one ReplicaSet and counts them. */
export async function reconcileReplicaSet(context: WorkloadContext, key: string): Promise<WorkOutcome> {
  const replicaSet = context.replicaSets.get(parseKey(key))
  if (replicaSet === undefined) return {}
  const pods = context.pods.list(replicaSet.metadata.namespace).filter((pod) => isControlledBy(pod, replicaSet))
  const decision = decideReplicaSet({ replicaSet, pods, leaving: context.leaving, now: context.clock.now() })
  for (const action of decision.actions) await perform(context, replicaSet, action)
  return { requeueAfterMs: decision.requeueAfterMs }
}

async function perform(context: WorkloadContext, replicaSet: ReplicaSet, action: ReplicaSetAction): Promise<void> {
  const { name, namespace } = replicaSet.metadata
  const render = (suffix: string) => renderOwnedPod(replicaSetKind, replicaSet, suffix)
  switch (action.kind) {
    case 'createPods':
      for (let made = 0; made < action.count; made += 1) await createOwnedPod(context, replicaSet, render)
      return
    case 'deletePod':
      return deletePod(context, replicaSet, action.pod)
    case 'writeStatus': {
      const options = { type: 'merge', subresource: 'status' } as const
      const patch = { status: action.status }
      context.replicaSets.overlay(await context.client.patch(replicaSetKind, { name, namespace }, patch, options))
    }
  }
}

async function deletePod(context: WorkloadContext, replicaSet: ReplicaSet, pod: Pod): Promise<void> {
  await deleteOwnedPod(context, pod)
  await context.events.record(replicaSet, {
    type: 'Normal',
    reason: 'SuccessfulDelete',
    message: `Deleted pod: ${pod.metadata.name}`,
  })
}
