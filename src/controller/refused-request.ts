import type { Canary } from '../api/index.ts'
import { type Cause, type Decision, type ReleaseState, restoreState } from '../canary/index.ts'
import { type EventRecorder, KubeError } from '../kube/index.ts'
import { type Clock, type Logger, messageOf } from '../runtime/index.ts'
import type { Routers } from '../traffic/index.ts'
import { keyOf } from './enqueue.ts'
import { explainRefusal } from './missing-right.ts'
import { type RecordOptions, recordCanary } from './record.ts'
import type { Retelling } from './retell.ts'
import type { Turns } from './turns.ts'

export interface RefusedRequestOptions extends RecordOptions {
  readonly routers: Routers
  readonly defaultProvider: keyof Routers
  readonly clock: Clock
  readonly log: Logger
  readonly events: EventRecorder
  readonly retelling: Retelling
  readonly turns: Pick<Turns, 'settle'>
}

/** What the same request meets again until a right, a quota, a rule of admission or an object has changed. */
const LASTING: ReadonlySet<number> = new Set([400, 403, 413, 422])

/** Says on the Canary what the API server refused in a pass; every other error passes by itself. */
export async function tellOfRefusal(options: RefusedRequestOptions, canary: Canary, error: unknown): Promise<void> {
  if (!(error instanceof KubeError) || !LASTING.has(error.code)) return
  const stalled: Cause = { reason: 'RequestRefused', message: explainRefusal(error) }
  try {
    await record(options, canary, stalled)
  } catch (cause) {
    options.log.warn({ canary: keyOf(canary), error: messageOf(cause) }, 'the status could not be written')
  }
  // A release that could not begin lets others by, as all do that are stalled.
  options.turns.settle(canary)
}

async function record(options: RefusedRequestOptions, canary: Canary, stalled: Cause): Promise<void> {
  const current = newestOf(options, canary)
  const run = options.copies.runs.get({
    namespace: canary.metadata.namespace,
    name: current.status?.runName ?? '',
  })
  const recorded = restoreState(current, run)
  // Words that are new each time would be written each time.
  if (isOfSameCall(recorded.stalled, stalled)) return
  const { traffic } = options.routers[canary.spec.provider ?? options.defaultProvider].observe(current)
  const observation = { canary: current, now: options.clock.now() }
  await recordCanary(options, { next: { ...recorded, stalled }, observation, traffic })
  const isTold = await options.events.record(canary, { type: 'Warning', ...stalled })
  if (!isTold) options.retelling.forget(canary)
}

/** As the pass left it, which may have written its status before it failed. */
function newestOf({ copies }: RefusedRequestOptions, canary: Canary): Canary {
  const { metadata, status } = copies.canaries.get(canary.metadata) ?? canary
  return { ...canary, metadata, ...(status === undefined ? {} : { status }) }
}

/** The words before the first colon name the call, such as `create Deployment default/web`. */
const isOfSameCall = (one: Cause | undefined, other: Cause): boolean =>
  one?.reason === other.reason && callOf(one) === callOf(other)

const callOf = ({ message }: Cause): string => message.split(':', 1).join()

/** What was refused may be refused again: it is taken back when nothing is left to do. */
export const keepRefusal = (recorded: ReleaseState, { next, actions }: Decision): ReleaseState =>
  isRefused(recorded) && next.stalled === undefined && actions.length > 0
    ? { ...next, stalled: recorded.stalled }
    : next

export const isRefused = ({ stalled }: ReleaseState): boolean => stalled?.reason === 'RequestRefused'
