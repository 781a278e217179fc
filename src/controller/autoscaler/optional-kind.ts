import { type KubeClient, KubeError } from '../../kube/index.ts'
import type { Clock } from '../../runtime/index.ts'

type Watching = Pick<KubeClient, 'list' | 'watch'>

/** How often a kind that the API server does not serve is looked for. */
const LOOK_AGAIN_MS = 300_000

/** A kind that is not installed has no objects: that is no error, and it may be installed later. */
export function toleratingAbsence(client: Watching, clock: Pick<Clock, 'sleep'>): Watching {
  return {
    async list(kind, options) {
      try {
        return await client.list(kind, options)
      } catch (error) {
        if (!isNotServed(error)) throw error
        return { items: [], resourceVersion: NOT_SERVED }
      }
    },
    async *watch(kind, options, signal) {
      if (options.resourceVersion !== NOT_SERVED) {
        yield* client.watch(kind, options, signal)
        return
      }
      await clock.sleep(LOOK_AGAIN_MS, signal)
      throw new KubeError(`${kind.plural} may be served by now`, { code: 410, reason: 'Expired', retry: 'later' })
    },
  }
}

const NOT_SERVED = 'not served'

const isNotServed = (error: unknown): boolean => error instanceof KubeError && error.code === 404
