import type { Pod } from '../../../api/index.ts'
import { messageOf } from '../../../runtime/index.ts'
import type { SidecarMode } from '../spec/sidecar-membership.ts'
import type { PodDependencies } from './pod-dependencies.ts'
import { createPodRunner, type PodRunner } from './pod-runner.ts'

export interface PodsOfNode {
  /** A pod was seen: it is started, or told of its change. */
  seen(pod: Pod): void
  gone(pod: Pod): void
  each(tell: (runner: PodRunner) => void): void
  find(namespace: string, name: string): PodRunner | undefined
  gateways(): readonly { readonly name: string; readonly address: string }[]
  /** Resolves when no pod runs any more. */
  ended(): Promise<void>
}

/** The pods that this node runs, by uid: one of the same name may start while its predecessor still ends. */
export function createPodsOfNode(
  dependencies: PodDependencies,
  modeOf: (pod: Pod) => SidecarMode,
  stop: AbortSignal,
): PodsOfNode {
  const runners = new Map<string, PodRunner>()
  const running = new Set<Promise<void>>()

  const begin = (pod: Pod, uid: string): void => {
    const runner = createPodRunner(dependencies, pod, modeOf(pod))
    runners.set(uid, runner)
    const run = runner
      .start(stop)
      .catch((error: unknown) => {
        dependencies.log.error({ pod: pod.metadata.name, error: messageOf(error) }, 'a pod could not be run')
      })
      .finally(() => {
        runners.delete(uid)
        running.delete(run)
      })
    running.add(run)
  }

  return {
    seen(pod) {
      const uid = pod.metadata.uid ?? ''
      const known = runners.get(uid)
      if (known !== undefined) known.update(pod)
      else if (!isOver(pod) && !stop.aborted) begin(pod, uid)
    },
    gone: ({ metadata }) => runners.get(metadata.uid ?? '')?.vanish(),
    each(tell) {
      for (const runner of runners.values()) tell(runner)
    },
    find: (namespace, name) =>
      [...runners.values()].find(({ pod: { metadata } }) => metadata.namespace === namespace && metadata.name === name),
    gateways: () =>
      [...runners.values()]
        .map(({ pod }) => pod)
        .filter((pod) => modeOf(pod) === 'gateway')
        .map(({ metadata, status }) => ({
          name: `${metadata.namespace}/${metadata.name}`,
          address: status?.podIP ?? '',
        })),
    async ended() {
      await Promise.all(running)
    },
  }
}

/** Ended for good before this agent started; one that must still be removed is not over. */
const isOver = ({ status, metadata }: Pod): boolean =>
  metadata.deletionTimestamp === undefined && (status?.phase === 'Succeeded' || status?.phase === 'Failed')
