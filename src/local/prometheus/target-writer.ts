import { namespaceKind, podKind } from '../../api/index.ts'
import { canonicalJson } from '../../base/index.ts'
import { createReflector, type KubeClient } from '../../kube/index.ts'
import { type Clock, type Logger, messageOf, runTogether, untilAborted } from '../../runtime/index.ts'
import { renderTargets } from './configuration.ts'
import type { Prometheus } from './prometheus.ts'

export interface TargetWriterOptions {
  readonly client: KubeClient
  readonly prometheus: Pick<Prometheus, 'setTargets'>
  readonly clock: Clock
  readonly log: Logger
  readonly random: () => number
}

/** Keeps Prometheus' targets in step with the pods that have an Envoy. */
export function createTargetWriter(options: TargetWriterOptions): { start(signal: AbortSignal): Promise<void> } {
  const { prometheus, ...common } = options
  const pods = createReflector({ ...common, kind: podKind })
  const namespaces = createReflector({ ...common, kind: namespaceKind })
  let written = ''
  const write = (): void => {
    const targets = renderTargets(pods.list(), namespaces.list())
    const content = canonicalJson(targets)
    if (content === written) return
    written = content
    prometheus.setTargets(targets).catch((error: unknown) => {
      written = ''
      options.log.error({ error: messageOf(error) }, 'the targets of Prometheus could not be written')
    })
  }
  const follow = async (signal: AbortSignal): Promise<void> => {
    await Promise.race([Promise.all([pods.synced, namespaces.synced]), untilAborted(signal)])
    const unsubscribe = [pods.onChange(write), namespaces.onChange(write)]
    if (!signal.aborted) write()
    await untilAborted(signal)
    for (const stop of unsubscribe) stop()
  }
  return { start: (signal) => runTogether(signal, [pods.start, namespaces.start, follow]) }
}
