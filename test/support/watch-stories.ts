import {
  canaryKind,
  canaryRunKind,
  deploymentKind,
  endpointSliceKind,
  eventKind,
  type KubernetesObject,
  type ResourceKind,
  virtualServiceKind,
} from '../../src/api/index.ts'
import type { KubeClient } from '../../src/kube/index.ts'
import { systemClock } from '../../src/runtime/index.ts'
import type { Change } from './release-story.ts'

type Hear = (namespace: string, change: Omit<Change, 'calls'>) => void

const kinds: readonly (readonly [Change['of'], ResourceKind])[] = [
  ['canary', canaryKind],
  ['run', canaryRunKind],
  ['route', virtualServiceKind],
  ['workload', deploymentKind],
  ['slice', endpointSliceKind],
  ['event', eventKind],
]

/** Hears of every version of what a release is made of, from now on; the answer ends with the signal. */
export async function watchStories(client: KubeClient, hear: Hear, signal: AbortSignal): Promise<Promise<void>[]> {
  return Promise.all(
    kinds.map(async ([of, kind]) => {
      const { resourceVersion } = await client.list(kind)
      return { of, kind, resourceVersion }
    }),
  ).then((begun) => begun.map((each) => follow({ client, hear, ...each }, signal)))
}

interface Following {
  readonly client: KubeClient
  readonly hear: Hear
  readonly of: Change['of']
  readonly kind: ResourceKind
  readonly resourceVersion: string
}

/** Goes on where a watch ended, so that no version is missed. */
async function follow({ client, hear, of, kind, ...from }: Following, signal: AbortSignal): Promise<void> {
  let { resourceVersion } = from
  while (!signal.aborted) {
    try {
      for await (const event of client.watch(kind, { resourceVersion }, signal)) {
        if (event.type === 'BOOKMARK') {
          resourceVersion = event.resourceVersion
          continue
        }
        const { object } = event
        resourceVersion = object.metadata.resourceVersion ?? resourceVersion
        const told = { of, version: Number(resourceVersion), object: known(object), isGone: event.type === 'DELETED' }
        hear(object.metadata.namespace ?? '', told as Omit<Change, 'calls'>)
      }
    } catch {
      await systemClock.sleep(200, signal)
    }
  }
}

/** Versions are kept by the thousand. */
function known(object: KubernetesObject): KubernetesObject {
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}
