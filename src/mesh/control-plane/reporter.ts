import { type Lease, leaseKind } from '../../api/index.ts'
import { isLostRace, type KubeClient } from '../../kube/index.ts'
import { type Clock, createWaker, type Logger, messageOf } from '../../runtime/index.ts'

export const replicaLabel = 'sluice.dev/mesh-replica'
export const reportAnnotation = 'sluice.dev/acknowledgements'

export interface ReporterOptions {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace' | 'delete'>
  readonly clock: Clock
  readonly log: Logger
  readonly namespace: string
  /** Of the Lease. */
  readonly name: string
  readonly identity: string
  /** How long others believe a replica that is silent. */
  readonly silentMs: number
  readonly text: () => string
}

/** Keeps a Lease that carries what others are to know: written when it says something new, and renewed. */
export interface Reporter {
  /** Takes the Lease away at the end. */
  start(signal: AbortSignal): Promise<void>
  changed(): void
}

/** Many proxies answer together: one report for all of them. */
const TOGETHER_MS = 50
const RENEW_MS = 3_000
const TRY_AGAIN_MS = 1_000

export function createReporter(options: ReporterOptions): Reporter {
  const { clock, log, client, namespace, name } = options
  const waker = createWaker(clock)
  let [written, writtenAt] = ['', Number.NEGATIVE_INFINITY]

  /** How long nothing more is written. */
  const report = async (): Promise<number> => {
    const text = options.text()
    if (text === written && clock.monotonic() - writtenAt < RENEW_MS) return TOGETHER_MS
    try {
      await write(options, text)
      ;[written, writtenAt] = [text, clock.monotonic()]
      return TOGETHER_MS
    } catch (error) {
      waker.wake()
      if (!isLostRace(error)) log.warn({ error: messageOf(error) }, 'other replicas cannot be told what proxies have')
      return TRY_AGAIN_MS
    }
  }

  return {
    changed: () => waker.wake(),
    async start(signal) {
      while (!signal.aborted) {
        waker.heed()
        await clock.sleep(await report(), signal)
        await waker.sleep(RENEW_MS, signal)
      }
      // Nobody waits for the streams of a replica that has ended.
      await client.delete(leaseKind, { namespace, name }).catch((error) => {
        log.warn({ error: messageOf(error) }, 'the own report could not be taken away; it runs out by itself')
      })
    },
  }
}

async function write(options: ReporterOptions, text: string): Promise<void> {
  const { client, namespace, name } = options
  const known = await client.get(leaseKind, { namespace, name })
  const lease = leaseOf(options, text)
  if (known === undefined) await client.create(leaseKind, lease)
  else await client.replace(leaseKind, { ...lease, metadata: { ...known.metadata, ...lease.metadata } })
}

const leaseOf = ({ namespace, name, identity, silentMs, clock }: ReporterOptions, text: string): Lease => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: leaseKind.kind,
  metadata: { namespace, name, labels: { [replicaLabel]: 'true' }, annotations: { [reportAnnotation]: text } },
  spec: {
    holderIdentity: identity,
    leaseDurationSeconds: silentMs / 1_000,
    renewTime: new Date(clock.now()).toISOString().replace('Z', '000Z'),
  },
})
