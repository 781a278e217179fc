export interface RestartTiming {
  readonly initialMs: number
  readonly maximumMs: number
  /** A container that ran this long starts over with no delay. */
  readonly resetAfterMs: number
}

/** The kubelet's numbers: 10 s doubling to 5 min, forgotten after 10 min. */
export const kubernetesRestartTiming: RestartTiming = {
  initialMs: 10_000,
  maximumMs: 300_000,
  resetAfterMs: 600_000,
}

export interface RestartState {
  /** The delay that the next restart waits for. */
  readonly nextMs: number
}

export const firstRestart: RestartState = { nextMs: 0 }

/** The delay before this restart, and what the next one waits. The first restart is at once. */
export function restartDelay(
  timing: RestartTiming,
  state: RestartState,
  ranForMs: number,
): { readonly delayMs: number; readonly next: RestartState } {
  const delayMs = ranForMs >= timing.resetAfterMs ? 0 : state.nextMs
  const nextMs = delayMs === 0 ? timing.initialMs : Math.min(delayMs * 2, timing.maximumMs)
  return { delayMs, next: { nextMs } }
}
