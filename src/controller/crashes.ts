import type { ContainerStatus, Pod } from '../api/index.ts'
import { type Observation, podsDueAt, type ReleaseState } from '../canary/index.ts'
import { type KubeClient, KubeError } from '../kube/index.ts'
import type { Logger } from '../runtime/index.ts'
import type { Gathered } from './observe.ts'
import { listPods } from './pods.ts'
import { hasPods } from './workload/facts.ts'
import { workloadOf } from './workload/workload.ts'

/** A pod may meet a dependency that is late once or twice. */
const FORGIVEN_RESTARTS = 1

export interface CrashOptions {
  readonly client: KubeClient
  readonly log: Logger
}

/** Whether every pod of the new version crashes again and again; asked only while it is not ready. */
export async function observeCrashes(
  { client, log }: CrashOptions,
  { observation, ...gathered }: Pick<Gathered, 'observation' | 'target'>,
  state: ReleaseState,
): Promise<Pick<Observation, 'crash'>> {
  const target = workloadOf(gathered.target)
  const dueAt = podsDueAt(state, observation)
  if (target === undefined || !hasPods(target) || dueAt === undefined || dueAt > observation.now) return {}
  try {
    return { crash: describeCrashes(await listPods(client, target)) }
  } catch (error) {
    if (!(error instanceof KubeError)) throw error
    log.warn({ error: error.message }, 'the pods of a version that is not ready could not be read')
    return {}
  }
}

/** Undefined where there is no pod, or one that may still start. */
export function describeCrashes(pods: readonly Pod[]): Observation['crash'] {
  const living = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const crashes = living.map((pod) => (pod.status?.containerStatuses ?? []).find(isCrashing))
  const [first] = crashes
  if (first === undefined || crashes.includes(undefined)) return undefined
  const end = first.lastState?.terminated
  const how = end === undefined ? 'ended' : `ended with code ${end.exitCode}`
  return { message: `container ${first.name} ${how} and was restarted ${first.restartCount} times` }
}

const isCrashing = ({ ready, restartCount, state }: ContainerStatus): boolean =>
  !ready && restartCount > FORGIVEN_RESTARTS && state?.waiting?.reason === 'CrashLoopBackOff'
