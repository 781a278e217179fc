import { type Clock, createOutbound, type Logger, messageOf, type Outbound } from '../runtime/index.ts'
import type { Notice, NoticeResult, NoticeTarget, Notifier } from './port.ts'
import { renderers } from './registry.ts'
import { decideDelivery } from './retry-policy.ts'

export interface NotifierOptions {
  readonly clock: Clock
  readonly log: Logger
  /** In 0 to 1, for the jitter of retries. */
  readonly random: () => number
  /** When it fires, what was handed over is tried once and not again. */
  readonly signal: AbortSignal
  /** Called once for each notice, for a counter. */
  readonly onResult?: (result: NoticeResult, type: NoticeTarget['provider']['spec']['type']) => void
  /** How addresses are called; with the usual guards when absent. */
  readonly outbound?: Outbound
}

const TIMEOUT_MS = 10_000

/** Notices that wait for one target; the oldest goes first when there are more. */
const QUEUE_LIMIT = 100

interface Errand {
  readonly target: NoticeTarget
  readonly notice: Notice
  readonly settle: (result: NoticeResult) => void
}

interface Queue {
  readonly waiting: Errand[]
  readonly work: Promise<void>
}

/** A notifier with one queue per target, so that order is kept and a slow target holds only itself. */
export function createNotifier(options: NotifierOptions): Notifier {
  const sender = { ...options, outbound: options.outbound ?? createOutbound() }
  const queues = new Map<string, Queue>()

  const workOff = async (key: string, waiting: Queue['waiting']) => {
    // Handing over returns before the first notice is even rendered.
    await Promise.resolve()
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      next.settle(await deliver(sender, next))
    }
    queues.delete(key)
  }

  return {
    send(target, notice) {
      const key = keyOf(target)
      const queue = queues.get(key)
      const settled = Promise.withResolvers<NoticeResult>()
      const errand = { target, notice, settle: settled.resolve }
      if (queue === undefined) {
        const waiting = [errand]
        queues.set(key, { waiting, work: workOff(key, waiting) })
        return settled.promise
      }
      queue.waiting.push(errand)
      if (queue.waiting.length > QUEUE_LIMIT) drop(sender, queue.waiting.shift())
      return settled.promise
    },
    async drain() {
      while (queues.size > 0) await Promise.all([...queues.values()].map((queue) => queue.work))
    },
  }
}

const nameOf = ({ provider }: NoticeTarget): string => `${provider.metadata.namespace ?? ''}/${provider.metadata.name}`

/** A changed Secret is another target: what waits for the old address does not hold the new one. */
const keyOf = (target: NoticeTarget): string => `${nameOf(target)} ${target.address}`

type Sender = NotifierOptions & { readonly outbound: Outbound }

async function deliver(sender: Sender, { target, notice }: Errand): Promise<NoticeResult> {
  const { type } = target.provider.spec
  const { result, cause } = await deliverOrCause(sender, target, notice).catch((error: unknown) => ({
    result: 'failed' as const,
    cause: `it could not be made: ${messageOf(error)}`,
  }))
  sender.onResult?.(result, type)
  if (cause !== undefined) sender.log.warn({ ...fieldsOf(target, notice), cause }, 'notice could not be sent')
  return result
}

interface Delivery {
  readonly result: NoticeResult
  readonly cause?: string
}

async function deliverOrCause(sender: Sender, target: NoticeTarget, notice: Notice): Promise<Delivery> {
  const { clock, outbound, random, signal } = sender
  const { spec } = target.provider
  const body = renderers[spec.type](notice, spec)
  for (let tries = 1; ; tries += 1) {
    // A try under way is let finish when all is told to stop: its own time limit bounds it.
    const post = { url: target.address, body, timeoutMs: TIMEOUT_MS, signal: new AbortController().signal }
    const result = await outbound.post(post)
    const decision = decideDelivery({ result, tries, now: clock.now(), random: random() })
    if (decision.kind === 'sent') return { result: 'sent' }
    if (decision.kind === 'give-up') return { result: 'failed', cause: decision.cause }
    await clock.sleep(decision.afterMs, signal)
    if (signal.aborted) return { result: 'interrupted', cause: 'the process stops' }
  }
}

function drop(sender: Sender, dropped: Errand | undefined): void {
  if (dropped === undefined) return
  const { target, notice, settle } = dropped
  settle('dropped')
  sender.onResult?.('dropped', target.provider.spec.type)
  sender.log.warn({ ...fieldsOf(target, notice), cause: 'too many wait' }, 'notice was dropped')
}

/** The address is a secret, and no field here holds it. */
const fieldsOf = (target: NoticeTarget, notice: Notice): object => ({
  provider: nameOf(target),
  type: target.provider.spec.type,
  canary: `${notice.namespace}/${notice.canary}`,
  reason: notice.reason,
})
