import { type Clock, type Logger, messageOf } from '../../../runtime/index.ts'
import type { ProxyAdministration, RequestCounts } from './proxy-administration.ts'

export interface LeaveTrafficOptions {
  /** Resolves when nobody sends anything to the pod's address any more. */
  readonly untilGone: (signal: AbortSignal) => Promise<void>
  /** Of the pod's Envoy; absent for a pod without one. */
  readonly proxy: ProxyAdministration | undefined
  /** How long proxies may take to forget the pod. */
  readonly forgetAtMostMs: number
  /** How long both together may take: what is left is the program's. */
  readonly atMostMs: number
  readonly clock: Clock
  readonly log: Logger
}

const LOOK_AGAIN_MS = 50
const QUIET_MS = 500

/**
 * Takes a pod out of traffic before its program is told to stop: first the endpoint leaves everywhere, then the pod's
 * proxy asks clients to close their connections and finishes what it has begun.
 */
export async function leaveTraffic(options: LeaveTrafficOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, proxy } = options
  const deadline = clock.monotonic() + options.atMostMs
  const forgetMs = Math.min(options.forgetAtMostMs, options.atMostMs)
  if (!(await within(forgetMs, clock, signal, options.untilGone)) && !signal.aborted) {
    log.warn({ waitedMs: forgetMs }, 'a pod ends although proxies may still send to it')
  }
  await proxy?.drain().catch((error: unknown) => {
    log.debug({ error: messageOf(error) }, 'the proxy of a leaving pod does not answer')
  })
  await untilQuiet({ ...options, deadline }, signal)
}

/** What was sent in the moment in which the endpoint went still arrives: nothing must have come for a while. */
async function untilQuiet(
  { clock, proxy, deadline }: LeaveTrafficOptions & { readonly deadline: number },
  signal: AbortSignal,
): Promise<void> {
  let [quietSince, seen] = [clock.monotonic(), 0]
  while (!signal.aborted && clock.monotonic() < deadline) {
    const { active, total } = await requestsOf(proxy)
    if (active > 0 || total !== seen) [quietSince, seen] = [clock.monotonic(), total]
    else if (clock.monotonic() - quietSince >= QUIET_MS) return
    await clock.sleep(LOOK_AGAIN_MS, signal)
  }
}

/** None of a proxy that has died. */
async function requestsOf(proxy: ProxyAdministration | undefined): Promise<RequestCounts> {
  try {
    return (await proxy?.countRequests()) ?? none
  } catch {
    return none
  }
}

const none: RequestCounts = { active: 0, total: 0 }

/** False when the time was over, or the signal fired, before. */
async function within(
  milliseconds: number,
  clock: Clock,
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<void>,
): Promise<boolean> {
  const over = new AbortController()
  const limited = AbortSignal.any([signal, over.signal])
  const settled = new AbortController()
  const timer = clock.sleep(milliseconds, AbortSignal.any([limited, settled.signal])).then(() => over.abort())
  await act(limited)
  const isDone = !limited.aborted
  settled.abort()
  await timer
  return isDone
}
