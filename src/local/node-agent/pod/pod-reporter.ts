import { type Pod, podKind } from '../../../api/index.ts'
import { canonicalJson } from '../../../base/index.ts'
import { type KubeClient, KubeError } from '../../../kube/index.ts'
import { type Clock, type Logger, messageOf } from '../../../runtime/index.ts'
import { addressAnnotations, type PodAddresses } from '../network/pod-addresses.ts'
import { createNotifier } from '../notifier.ts'
import { type PodObservation, renderPodStatus } from './pod-status.ts'

export const nodeName = 'local'

const RETRY_MS = 500

export interface PodReporterOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Logger
  observe(): Omit<PodObservation, 'podIP' | 'now'> & { readonly addresses: PodAddresses }
  /** The API server knows no such pod. */
  vanished(): void
}

export interface PodReporter {
  changed(): void
  /** Writes addresses and status whenever they differ from what was written. */
  start(signal: AbortSignal): Promise<void>
  /** Takes the object away, now that nothing of it runs. */
  remove(stop: AbortSignal): Promise<void>
}

export function createPodReporter(options: PodReporterOptions): PodReporter {
  const { client, clock, log, observe } = options
  const dirty = createNotifier()
  let written = { placement: '', status: '' }

  const write = async (): Promise<void> => {
    const observation = observe()
    const { pod, addresses, mode } = observation
    const ref = { namespace: pod.metadata.namespace, name: pod.metadata.name }
    const annotations = addressAnnotations(addresses, mode)
    const placement = { metadata: { uid: pod.metadata.uid, annotations }, spec: { nodeName } }
    if (written.placement !== canonicalJson(placement)) {
      if (!isPlaced(pod, annotations)) await client.patch(podKind, ref, placement, { type: 'merge' })
      written = { ...written, placement: canonicalJson(placement) }
    }
    const status = renderPodStatus({ ...observation, podIP: addresses.podIP, now: clock.now() })
    const content = contentOf(status)
    if (written.status === content) return
    const patch = { metadata: { uid: pod.metadata.uid }, status }
    await client.patch(podKind, ref, patch, { type: 'merge', subresource: 'status' })
    written = { ...written, status: content }
  }

  const attempt = async (signal: AbortSignal): Promise<void> => {
    try {
      await write()
    } catch (error) {
      if (isGone(error)) return options.vanished()
      log.warn({ error: messageOf(error) }, 'the status of a pod could not be written')
      await clock.sleep(RETRY_MS, signal)
      dirty.notify()
    }
  }

  return {
    changed: dirty.notify,
    async start(signal) {
      while (!signal.aborted) {
        await dirty.next(signal)
        if (!signal.aborted) await attempt(signal)
      }
    },
    async remove(stop) {
      const { metadata } = observe().pod
      const deletion = { gracePeriodSeconds: 0, ...(metadata.uid === undefined ? {} : { uid: metadata.uid }) }
      while (!stop.aborted) {
        try {
          return await client.delete(podKind, metadata, deletion)
        } catch (error) {
          // Another pod of the name stands there already.
          if (isGone(error)) return
          log.warn({ error: messageOf(error) }, 'a pod could not be removed')
          await clock.sleep(RETRY_MS, stop)
        }
      }
    },
  }
}

/** Times are no reason to write: they move only with what they date. */
function contentOf(status: NonNullable<Pod['status']>): string {
  const conditions = status.conditions?.map(({ lastTransitionTime: _, ...rest }) => rest)
  return canonicalJson({ ...status, conditions, startTime: undefined })
}

const isPlaced = (pod: Pod, annotations: Readonly<Record<string, string>>): boolean =>
  pod.spec.nodeName === nodeName &&
  Object.entries(annotations).every(([key, value]) => pod.metadata.annotations?.[key] === value)

const isGone = (error: unknown): boolean =>
  error instanceof KubeError && (error.code === 404 || (error.code === 409 && /uid/i.test(error.message)))
