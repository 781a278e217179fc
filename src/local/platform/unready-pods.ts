import { type Pod, podKind } from '../../api/index.ts'
import type { KubeClient } from '../../kube/index.ts'

/**
 * Pods of an earlier run have no processes. As in a cluster whose node went away, none of them is ready until its
 * program has answered again: a release must not count on what is only written down.
 */
export async function markPodsUnready(client: Pick<KubeClient, 'list' | 'patch'>): Promise<void> {
  const { items } = await client.list(podKind)
  for (const { metadata, status } of items) {
    const conditions = status?.conditions ?? []
    if (!conditions.some(isReady)) continue
    const unready = conditions.map((each) =>
      isReady(each)
        ? { ...each, status: 'False' as const, reason: 'NodeNotReady', message: 'the platform was down' }
        : each,
    )
    const patch = { metadata: { uid: metadata.uid }, status: { conditions: unready } }
    await client.patch(podKind, metadata, patch, { type: 'merge', subresource: 'status' })
  }
}

type PodCondition = NonNullable<NonNullable<Pod['status']>['conditions']>[number]

const isReady = ({ type, status }: Pick<PodCondition, 'type' | 'status'>): boolean =>
  type === 'Ready' && status === 'True'
