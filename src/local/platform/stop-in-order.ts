import { untilAborted } from '../../runtime/index.ts'

type Start = (signal: AbortSignal) => Promise<void>

/**
 * Runs everything side by side until the signal fires or one of them fails or ends early. Then the first layer is
 * stopped, and each further one when the one before has ended. Rejects with the first failure.
 */
export async function stopInOrder(signal: AbortSignal, layers: readonly (readonly Start[])[]): Promise<void> {
  const failed = new AbortController()
  const failures: unknown[] = []
  let stopNext = untilAborted(AbortSignal.any([signal, failed.signal]))
  for (const layer of layers) {
    const stop = new AbortController()
    const told = stopNext.then(() => stop.abort())
    const runs = layer.map((start) =>
      start(stop.signal)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => failed.abort()),
    )
    stopNext = Promise.all([told, ...runs]).then(() => {})
  }
  await stopNext
  if (failures.length > 0) throw failures[0]
}
