import type { Pod } from '../../api/index.ts'

type PodCondition = NonNullable<NonNullable<Pod['status']>['conditions']>[number]

export const isTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined

export const isFinished = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'

/** Counts towards a ReplicaSet: neither finished nor on its way out. */
export const isActive = (pod: Pod): boolean => !isTerminating(pod) && !isFinished(pod)

export const isReady = (pod: Pod): boolean => readyCondition(pod)?.status === 'True'

/** Milliseconds since 1970 at which the pod became ready; undefined when it is not. */
export function readySince(pod: Pod): number | undefined {
  const ready = readyCondition(pod)
  if (ready?.status !== 'True') return undefined
  return ready.lastTransitionTime === undefined ? 0 : Date.parse(ready.lastTransitionTime)
}

/** Ready for at least `minReadySeconds`. */
export function isAvailable(pod: Pod, minReadySeconds: number, now: number): boolean {
  const since = readySince(pod)
  if (since === undefined) return false
  return minReadySeconds === 0 || since + minReadySeconds * 1_000 <= now
}

export const restartsOf = (pod: Pod): number =>
  (pod.status?.containerStatuses ?? []).reduce((most, status) => Math.max(most, status.restartCount), 0)

const readyCondition = (pod: Pod): PodCondition | undefined =>
  pod.status?.conditions?.find((condition) => condition.type === 'Ready')
