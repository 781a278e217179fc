import type { Canary } from '../api/index.ts'
import { type Cause, restoreState } from '../canary/index.ts'
import type { EventRecorder, WorkOutcome } from '../kube/index.ts'
import type { Clock, Logger } from '../runtime/index.ts'
import { isDeleted, removeFinalizer } from './finalizer.ts'
import { type RecordOptions, recordCanary } from './record.ts'
import type { Retelling } from './retell.ts'

export interface RefuseOptions extends RecordOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly events: EventRecorder
  readonly retelling: Retelling
}

/** Says on the object what is wrong with it, and touches nothing else. */
export async function refuseInvalid(options: RefuseOptions, canary: Canary, error: string): Promise<WorkOutcome> {
  if (isDeleted(canary)) return letGo(options, canary, error)
  const stalled: Cause = { reason: 'InvalidCanary', message: `${error}: correct the field` }
  const recorded = restoreState(canary, undefined)
  const next = { ...recorded, stalled }
  const observation = { canary, now: options.clock.now() }
  const traffic = {
    primary: 100 - (canary.status?.canaryWeight ?? 0),
    canary: canary.status?.canaryWeight ?? 0,
    mirror: 0,
  }
  const hasChanged = await recordCanary(options, { next, observation, traffic })
  if (!hasChanged) {
    await options.retelling.ensure(canary, recorded, observation.now)
    return {}
  }
  options.log.warn({ canary: `${canary.metadata.namespace}/${canary.metadata.name}` }, stalled.message)
  const isTold = await options.events.record(canary, { type: 'Warning', ...stalled })
  if (!isTold) options.retelling.forget(canary)
  return {}
}

/** Not even the name of its workload can be read: there is nothing that could be given back. */
async function letGo(options: RefuseOptions, canary: Canary, error: string): Promise<WorkOutcome> {
  await removeFinalizer(options, canary)
  options.log.warn({ canary: `${canary.metadata.namespace}/${canary.metadata.name}` }, `deleted as it is: ${error}`)
  return {}
}
