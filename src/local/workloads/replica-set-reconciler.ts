import { type Pod, podKind, type ReplicaSet, replicaSetKind } from '../../api/index.ts'
import type { WorkOutcome } from '../../kube/index.ts'
import { controllerReference, isControlledBy } from './ownership.ts'
import { decideReplicaSet, type ReplicaSetAction } from './replica-set.ts'
import { randomSuffix } from './safe-name.ts'
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
  switch (action.kind) {
    case 'createPods':
      for (let made = 0; made < action.count; made += 1) await createPod(context, replicaSet)
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

async function createPod(context: WorkloadContext, replicaSet: ReplicaSet): Promise<void> {
  const pod = await context.client.create(podKind, renderPod(replicaSet, randomSuffix(context.random)))
  context.pods.overlay(pod)
  await context.events.record(replicaSet, {
    type: 'Normal',
    reason: 'SuccessfulCreate',
    message: `Created pod: ${pod.metadata.name}`,
  })
}

/** A pod of the set's template, owned by the set. */
export function renderPod(replicaSet: ReplicaSet, suffix: string): Pod {
  const { template } = replicaSet.spec
  const { name, namespace } = replicaSet.metadata
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-${suffix}`,
      generateName: `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...template.metadata?.labels },
      annotations: { ...template.metadata?.annotations },
      ownerReferences: [controllerReference(replicaSetKind, replicaSet)],
    },
    spec: template.spec,
  }
}

async function deletePod(context: WorkloadContext, replicaSet: ReplicaSet, pod: Pod): Promise<void> {
  const { name, namespace, uid } = pod.metadata
  // Until the watch shows it leaving, it must not be counted, or a second pod would be spared or lost.
  if (uid !== undefined) context.leaving.add(uid)
  try {
    await context.client.delete(podKind, { name, namespace }, uid === undefined ? {} : { uid })
  } catch (error) {
    if (uid !== undefined) context.leaving.delete(uid)
    throw error
  }
  await context.events.record(replicaSet, {
    type: 'Normal',
    reason: 'SuccessfulDelete',
    message: `Deleted pod: ${name}`,
  })
}
