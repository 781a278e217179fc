import { type Alert, type AlertProvider, alertProviderKind, type Canary, secretKind } from '../api/index.ts'
import type { Cause } from '../canary/index.ts'
import { type EventRecorder, type KubeClient, KubeError } from '../kube/index.ts'
import type { Notice, NoticeResult, Notifier } from '../notify/index.ts'
import { type Logger, messageOf } from '../runtime/index.ts'
import { keyOf } from './enqueue.ts'
import { isForbidden, type ReferencePolicy } from './references.ts'

export interface OutboxOptions {
  readonly client: Pick<KubeClient, 'get'>
  readonly notifier: Notifier
  readonly log: Logger
  readonly policy: ReferencePolicy
  readonly events: Pick<EventRecorder, 'record'>
  /** Puts a Canary into the queue, after a time where one is given. */
  readonly wake: (key: string, afterMs?: number) => void
}

/** Sends notices and knows of each what became of it; what must outlive the process is on record elsewhere. */
export interface Outbox {
  /** Returns at once. A notice that is under way or was delivered is not sent again. */
  deliver(canary: Canary, alerts: readonly Alert[], notice: Notice): void
  /** It was delivered, or given up: nothing more comes of it. */
  isSettled(id: string): boolean
}

/** What is forgotten and still on record is delivered again, which the id tells. */
const REMEMBERED = 10_000

const TRY_AGAIN_MS = 30_000

export function createOutbox(options: OutboxOptions): Outbox {
  const known = new Map<string, 'under way' | 'settled'>()
  const know = (id: string, as: 'under way' | 'settled'): void => {
    known.delete(id)
    known.set(id, as)
    const oldest = known.keys().next()
    if (known.size > REMEMBERED && !oldest.done) known.delete(oldest.value)
  }

  const deliver = async (canary: Canary, alerts: readonly Alert[], notice: Notice): Promise<void> => {
    const results = await Promise.all(alerts.map((alert) => sendTo(options, canary, alert, notice)))
    if (results.includes('unreachable')) {
      known.delete(notice.id)
      options.wake(keyOf(canary), TRY_AGAIN_MS)
    } else if (results.includes('interrupted')) known.delete(notice.id)
    else {
      know(notice.id, 'settled')
      options.wake(keyOf(canary))
    }
  }

  return {
    deliver(canary, alerts, notice) {
      if (known.has(notice.id)) return
      know(notice.id, 'under way')
      // It never rejects: what goes wrong is a result.
      void deliver(canary, alerts, notice)
    },
    isSettled: (id) => known.get(id) === 'settled',
  }
}

/** A provider that can not be used is told by an event; an API server that can not be asked is asked again. */
async function sendTo(
  options: OutboxOptions,
  canary: Canary,
  alert: Alert,
  notice: Notice,
): Promise<NoticeResult | 'unreachable'> {
  try {
    const provider = await findProvider(options, canary, alert)
    return await options.notifier.send({ provider, address: await findAddress(options, provider) }, notice)
  } catch (error) {
    const fields = { canary: keyOf(canary), alert: alert.name, error: messageOf(error) }
    options.log.warn(fields, 'a notice could not be sent')
    if (error instanceof KubeError && error.reason !== 'Forbidden') return 'unreachable'
    const cause: Cause = { reason: 'AlertNotSent', message: `alert ${alert.name}: ${messageOf(error)}` }
    await options.events.record(canary, { type: 'Warning', ...cause })
    return 'failed'
  }
}

async function findProvider({ client, policy }: OutboxOptions, canary: Canary, alert: Alert): Promise<AlertProvider> {
  const { name } = alert.providerRef
  const namespace = alert.providerRef.namespace ?? canary.metadata.namespace
  if (isForbidden(canary, alert.providerRef.namespace, policy)) throw new Error('it names another namespace')
  const provider = await client.get(alertProviderKind, { namespace, name })
  if (provider === undefined) throw new Error(`AlertProvider ${namespace}/${name} does not exist`)
  return provider
}

/** Secrets are read at the moment of sending and kept nowhere. */
async function findAddress({ client }: OutboxOptions, { metadata, spec }: AlertProvider): Promise<string> {
  if (spec.secretRef === undefined) {
    if (spec.address === undefined) throw new Error('it has neither address nor secretRef')
    return spec.address
  }
  const secret = await client.get(secretKind, { namespace: metadata.namespace, name: spec.secretRef.name })
  const address = secret?.data?.address
  if (address === undefined) throw new Error(`Secret ${spec.secretRef.name} has no key address`)
  return Buffer.from(address, 'base64').toString('utf8').trim()
}
