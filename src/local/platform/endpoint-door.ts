import type { Clock } from '../../runtime/index.ts'

/** A mesh that is starting again is asked again. */
const ASK_AGAIN_MS = 200

/** Asks the mesh at this address when an endpoint has left every proxy; it answers when it is so. */
export const createEndpointDoor =
  (url: string, clock: Pick<Clock, 'sleep'>) =>
  async (address: string, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      if (await isGone(`${url}/debug/endpoints/${address}/gone`, signal)) return
      await clock.sleep(ASK_AGAIN_MS, signal)
    }
  }

async function isGone(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, { signal })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
