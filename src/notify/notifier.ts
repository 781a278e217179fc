import { type Clock, createOutbound, type Logger, messageOf, type Outbound } from '../runtime/index.ts'
import type { Notice, NoticeTarget, Notifier } from './port.ts'
import { renderers } from './registry.ts'
import { decideDelivery } from './retry-policy.ts'

/** What became of a notice: `dropped` is one for which a busy queue had no place. */
export type NoticeResult = 'sent' | 'failed' | 'dropped'

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

interface Queue {
  readonly waiting: { readonly target: NoticeTarget; readonly notice: Notice }[]
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
      await deliver(sender, next.target, next.notice).catch((error: unknown) => {
        sender.log.error({ ...fieldsOf(next.target, next.notice), cause: messageOf(error) }, 'notice could not be made')
      })
    }
    queues.delete(key)
  }

  return {
    send(target, notice) {
      const key = keyOf(target)
      const queue = queues.get(key)
      if (queue === undefined) {
        const waiting = [{ target, notice }]
        queues.set(key, { waiting, work: workOff(key, waiting) })
        return
      }
      queue.waiting.push({ target, notice })
      if (queue.waiting.length > QUEUE_LIMIT) drop(sender, queue.waiting.shift())
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

async function deliver(sender: Sender, target: NoticeTarget, notice: Notice): Promise<void> {
  const { spec } = target.provider
  const failure = await deliverOrCause(sender, target, renderers[spec.type](notice, spec))
  sender.onResult?.(failure === undefined ? 'sent' : 'failed', spec.type)
  if (failure === undefined) return
  sender.log.warn({ ...fieldsOf(target, notice), cause: failure }, 'notice could not be sent')
}

async function deliverOrCause(sender: Sender, target: NoticeTarget, body: object): Promise<string | undefined> {
  const { clock, outbound, random, signal } = sender
  for (let tries = 1; ; tries += 1) {
    // A try under way is let finish when all is told to stop: its own time limit bounds it.
    const post = { url: target.address, body, timeoutMs: TIMEOUT_MS, signal: new AbortController().signal }
    const result = await outbound.post(post)
    const decision = decideDelivery({ result, tries, now: clock.now(), random: random() })
    if (decision.kind === 'sent') return undefined
    if (decision.kind === 'give-up') return decision.cause
    await clock.sleep(decision.afterMs, signal)
    if (signal.aborted) return 'the process stops'
  }
}

function drop(sender: Sender, dropped: Queue['waiting'][number] | undefined): void {
  if (dropped === undefined) return
  const { target, notice } = dropped
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
