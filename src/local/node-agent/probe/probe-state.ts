import type { Probe } from '../../../api/index.ts'

export interface ProbeTiming {
  readonly initialDelayMs: number
  readonly periodMs: number
  readonly timeoutMs: number
  readonly successThreshold: number
  readonly failureThreshold: number
}

/** Kubernetes' defaults filled in. */
export const probeTiming = (probe: Probe): ProbeTiming => ({
  initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1_000,
  periodMs: (probe.periodSeconds ?? 10) * 1_000,
  timeoutMs: (probe.timeoutSeconds ?? 1) * 1_000,
  successThreshold: probe.successThreshold ?? 1,
  failureThreshold: probe.failureThreshold ?? 3,
})

export type ProbeResult = { readonly ok: true } | { readonly ok: false; readonly message: string }

export interface ProbeState {
  readonly lastOk: boolean
  /** Equal results in a row. */
  readonly run: number
}

export const noProbeYet: ProbeState = { lastOk: false, run: 0 }

/** Counts results; the verdict is undefined until a threshold is reached. */
export function countProbe(
  timing: Pick<ProbeTiming, 'successThreshold' | 'failureThreshold'>,
  state: ProbeState,
  ok: boolean,
): { readonly state: ProbeState; readonly verdict: boolean | undefined } {
  const next = { lastOk: ok, run: state.run > 0 && state.lastOk === ok ? state.run + 1 : 1 }
  const threshold = ok ? timing.successThreshold : timing.failureThreshold
  return { state: next, verdict: next.run >= threshold ? ok : undefined }
}
