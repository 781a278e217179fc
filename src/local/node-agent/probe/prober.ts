import type { Clock } from '../../../runtime/index.ts'
import type { Check } from './checks.ts'
import { countProbe, noProbeYet, type ProbeTiming } from './probe-state.ts'
import { lookWithin } from './time-limit.ts'

export interface ProbePlan {
  readonly timing: ProbeTiming
  readonly check: Check
  /** The first look waits for this, but no longer than one period: a program that is just starting fails for sure. */
  readonly firstWhen?: (signal: AbortSignal) => Promise<void>
  /** A shorter period until the first success, with failures nobody is told of: for our own sidecar. */
  readonly periodUntilSuccessMs?: number
}

export interface ProbeListener {
  /** A threshold was reached: true = success. Called again with every further result of the same kind. */
  verdict(ok: boolean): void
  /** One look failed. */
  failed(message: string): void
}

/** Looks again and again, with Kubernetes' timing, until the signal fires. */
export async function runProbe(
  plan: ProbePlan,
  listener: ProbeListener,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { timing } = plan
  let state = noProbeYet
  let hasSucceeded = false
  await clock.sleep(timing.initialDelayMs, signal)
  await waitForStart(plan, signal)
  while (!signal.aborted) {
    const result = await lookWithin(plan.check, timing.timeoutMs, signal)
    if (signal.aborted) return
    const counted = countProbe(timing, state, result.ok)
    state = counted.state
    hasSucceeded ||= result.ok
    const isStarting = !hasSucceeded && plan.periodUntilSuccessMs !== undefined
    if (!result.ok && !isStarting) listener.failed(result.message)
    if (counted.verdict !== undefined) listener.verdict(counted.verdict)
    await clock.sleep(hasSucceeded ? timing.periodMs : (plan.periodUntilSuccessMs ?? timing.periodMs), signal)
  }
}

async function waitForStart({ firstWhen, timing }: ProbePlan, signal: AbortSignal): Promise<void> {
  if (firstWhen === undefined || signal.aborted) return
  await firstWhen(AbortSignal.any([signal, AbortSignal.timeout(timing.periodMs)]))
}
