import { type DaemonSet, daemonSetKind } from '../../api/index.ts'
import type { WorkOutcome } from '../../kube/index.ts'
import { type DaemonSetAction, decideDaemonSet } from './daemon-set.ts'
import { createOwnedPod, deleteOwnedPod, renderOwnedPod } from './owned-pod.ts'
import { isControlledBy } from './ownership.ts'
import { parseKey, type WorkloadContext } from './workload-context.ts'

/** Creates or deletes the pod of one DaemonSet and counts it. */
export async function reconcileDaemonSet(context: WorkloadContext, key: string): Promise<WorkOutcome> {
  const daemonSet = context.daemonSets.get(parseKey(key))
  if (daemonSet === undefined) return {}
  const pods = context.pods.list(daemonSet.metadata.namespace).filter((pod) => isControlledBy(pod, daemonSet))
  const decision = decideDaemonSet({ daemonSet, pods, leaving: context.leaving, now: context.clock.now() })
  for (const action of decision.actions) await perform(context, daemonSet, action)
  return { requeueAfterMs: decision.requeueAfterMs }
}

async function perform(context: WorkloadContext, daemonSet: DaemonSet, action: DaemonSetAction): Promise<void> {
  const { name, namespace } = daemonSet.metadata
  switch (action.kind) {
    case 'createPod':
      return createOwnedPod(context, daemonSet, (suffix) =>
        renderOwnedPod(daemonSetKind, daemonSet, suffix, action.labels),
      )
    case 'deletePod':
      return deleteOwnedPod(context, action.pod)
    case 'writeStatus': {
      const options = { type: 'merge', subresource: 'status' } as const
      const patch = { status: action.status }
      context.daemonSets.overlay(await context.client.patch(daemonSetKind, { name, namespace }, patch, options))
      return
    }
    default:
      return action satisfies never
  }
}
