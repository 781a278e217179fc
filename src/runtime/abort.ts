/** What `untilSignal` listens to: the process, or a stand-in for tests. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
  exit(code: number): unknown
}

export interface StopSignal extends Disposable {
  readonly signal: AbortSignal
}

/** Fires at the first SIGINT or SIGTERM, for an orderly stop; a second one ends the process at once. */
export function untilSignal(source: SignalSource = process): StopSignal {
  const controller = new AbortController()
  const listen = (name: 'SIGINT' | 'SIGTERM', code: number) => {
    const listener = () => (controller.signal.aborted ? source.exit(code) : controller.abort(new Error(name)))
    source.on(name, listener)
    return () => source.off(name, listener)
  }
  const unlisten = [listen('SIGINT', 130), listen('SIGTERM', 143)]
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const each of unlisten) each()
    },
  }
}

/** Resolves when the signal fires, at once when it already has. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/**
 * Runs long-lived things side by side until the signal fires. When one of them fails or ends early, the others are
 * told to stop; it settles when all have, and rejects with the first failure.
 */
export async function runTogether(
  signal: AbortSignal,
  starts: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const stop = new AbortController()
  const common = AbortSignal.any([signal, stop.signal])
  const runs = starts.map((start) => start(common).finally(() => stop.abort()))
  const firstFailure = Promise.all(runs).then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  await Promise.allSettled(runs)
  const failure = await firstFailure
  if (failure !== undefined) throw failure.error
}
