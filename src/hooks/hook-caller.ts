import type { Webhook } from '../api/index.ts'
import { parseDuration } from '../base/index.ts'
import { type Clock, createOutbound, type Logger, type Outbound, type OutboundResult } from '../runtime/index.ts'
import type { HookCaller, HookOutcome, HookPayload } from './port.ts'
import { decideRetry } from './retry-policy.ts'

export interface HookCallerOptions {
  readonly clock: Clock
  readonly log: Logger
  /** In 0 to 1, for the jitter of retries. */
  readonly random: () => number
  /** How addresses are called; with the usual guards when absent. */
  readonly outbound?: Outbound
}

const MAX_REDIRECTS = 3
const DEFAULT_TIMEOUT_MS = 10_000

export function createHookCaller(options: HookCallerOptions): HookCaller {
  const outbound = options.outbound ?? createOutbound()
  return {
    call(hook, payload, signal) {
      const whole: HookPayload = { ...payload, metadata: hook.metadata ?? {} }
      return callWithRetries({ ...options, outbound }, { hook, payload: whole, signal })
    },
  }
}

interface Order {
  readonly hook: Webhook
  readonly payload: HookPayload
  readonly signal: AbortSignal
}

async function callWithRetries(
  tools: HookCallerOptions & { readonly outbound: Outbound },
  { hook, payload, signal }: Order,
): Promise<HookOutcome> {
  const { clock, log, outbound, random } = tools
  const timeout = parseDuration(hook.timeout)
  const timeoutMs = timeout.ok ? timeout.value : DEFAULT_TIMEOUT_MS
  for (let calls = 1; ; calls += 1) {
    const insecureSkipVerify = hook.disableTLS === true
    const post = { url: hook.url, body: payload, timeoutMs, signal, maxRedirects: MAX_REDIRECTS, insecureSkipVerify }
    const result = await outbound.post(post)
    const decision = decideRetry({ result, calls, retries: hook.retries, random: random() })
    if (decision.kind === 'settled' || signal.aborted) return outcomeOf(hook, result, calls)
    const { name, namespace } = payload
    log.debug({ hook: hook.name, name, namespace, calls, afterMs: decision.afterMs }, 'hook is called again')
    await clock.sleep(decision.afterMs, signal)
  }
}

function outcomeOf(hook: Webhook, result: OutboundResult, calls: number): HookOutcome {
  const times = calls > 1 ? ` (${calls} calls)` : ''
  if (result.kind !== 'answer') return { ok: false, message: `hook "${hook.name}" failed: ${result.cause}${times}` }
  const { status } = result
  return { ok: status >= 200 && status <= 202, status, message: `hook "${hook.name}" answered ${status}${times}` }
}
