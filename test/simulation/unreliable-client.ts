import type { KubernetesObject } from '../../src/api/index.ts'
import type { Random } from '../../src/cli/simulate/random.ts'
import { type KubeClient, KubeError, type WatchEvent } from '../../src/kube/index.ts'
import type { SimulatedTime } from './simulated-time.ts'

export interface Unreliability {
  readonly time: SimulatedTime
  readonly random: Random
  /** Share of the calls that go wrong now, 0 to 1. */
  readonly faults: () => number
  /** The process is gone: nothing it does reaches anybody. */
  readonly isDead: () => boolean
}

type Fault = (call: () => Promise<unknown>, world: Unreliability) => Promise<never>

const failure = (code: number, reason: string, retry: KubeError['retry'] = 'later'): KubeError =>
  new KubeError(`simulated: ${reason}`, { code, reason, retry })

const refused =
  (error: () => KubeError): Fault =>
  async () => {
    throw error()
  }

/** What an API server, and the network to it, do to a client. */
const faults: readonly Fault[] = [
  refused(() => failure(409, 'Conflict')),
  refused(() => failure(410, 'Expired')),
  refused(() => failure(429, 'TooManyRequests', { afterMs: 1_000 })),
  refused(() => failure(500, 'InternalError')),
  async (_, { time }) => {
    await time.sleep(5_000)
    throw failure(0, 'Unreachable')
  },
  async (call, { time }) => {
    await call()
    await time.sleep(5_000)
    throw failure(0, 'Unreachable')
  },
]

/** A client over a network: every call takes time, some fail before or after they are done, watches lag and break. */
export function createUnreliableClient(inner: KubeClient, world: Unreliability): KubeClient {
  const travel = () => world.time.sleep(1 + world.random() * 15)
  const call = async <T>(request: () => Promise<T>): Promise<T> => {
    await travel()
    stopIfDead(world)
    const fault = pick(faults, world)
    const answer = fault ? await fault(request, world) : await request()
    await travel()
    stopIfDead(world)
    return answer
  }
  return {
    get: (kind, ref) => call(() => inner.get(kind, ref)),
    list: (kind, options) => call(() => inner.list(kind, options)),
    create: (kind, object) => call(() => inner.create(kind, object)),
    replace: (kind, object, subresource) => call(() => inner.replace(kind, object, subresource)),
    patch: (kind, ref, patch, options) => call(() => inner.patch(kind, ref, patch, options)),
    apply: (kind, object, options) => call(() => inner.apply(kind, object, options)),
    delete: (kind, ref, options) => call(() => inner.delete(kind, ref, options)),
    watch: (kind, options, signal) => lateWatch(inner.watch(kind, options, signal), world, signal),
  }
}

function pick(from: readonly Fault[], { random, faults: share }: Unreliability): Fault | undefined {
  return random() < share() ? from[Math.floor(random() * from.length)] : undefined
}

function stopIfDead({ isDead }: Unreliability): void {
  if (isDead()) throw failure(0, 'Unreachable')
}

/** Events come late, sometimes seconds late; a stream ends, is cut, or is too old to go on. */
async function* lateWatch<T extends KubernetesObject>(
  events: AsyncIterable<WatchEvent<T>>,
  world: Unreliability,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>> {
  const { time, random, faults: share } = world
  for await (const event of events) {
    const isSlow = random() < share()
    await time.sleep(isSlow ? random() * 20_000 : random() * 20, signal)
    if (signal.aborted) return
    const luck = random()
    if (luck < share() / 3) throw failure(410, 'Expired')
    if (luck < (2 * share()) / 3) throw failure(500, 'InternalError')
    // Dropped by a stream that breaks: the next one begins where the last event was taken.
    if (luck < share()) return
    yield event
  }
}
