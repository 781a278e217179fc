import type { Pod, ReplicaSet } from '../../api/index.ts'
import { isActive, isAvailable, isReady, readySince, restartsOf } from './pod-facts.ts'
import { matchesLabels } from './selector.ts'

export interface ReplicaSetState {
  readonly replicaSet: ReplicaSet
  /** The pods it controls. */
  readonly pods: readonly Pod[]
  /** Pods whose deletion was asked for and is not seen yet. */
  readonly leaving: ReadonlySet<string>
  readonly now: number
}

export type ReplicaSetAction =
  | { readonly kind: 'createPods'; readonly count: number }
  | { readonly kind: 'deletePod'; readonly pod: Pod }
  | { readonly kind: 'writeStatus'; readonly status: NonNullable<ReplicaSet['status']> }

export interface ReplicaSetDecision {
  readonly actions: readonly ReplicaSetAction[]
  /** A ready pod becomes available after this time. */
  readonly requeueAfterMs?: number
}

// Kubernetes' limit of creations or deletions in one pass.
const BURST = 500

/** Brings the number of pods to the number asked for, and counts them. */
export function decideReplicaSet(state: ReplicaSetState): ReplicaSetDecision {
  const active = state.pods.filter((pod) => isActive(pod) && !state.leaving.has(pod.metadata.uid ?? ''))
  const actions: ReplicaSetAction[] = []
  if (state.replicaSet.metadata.deletionTimestamp === undefined) actions.push(...scaleActions(state.replicaSet, active))
  const status = countPods(state, active)
  if (!sameStatus(status, state.replicaSet.status)) actions.push({ kind: 'writeStatus', status })
  const requeueAfterMs = untilAvailable(state, active)
  return requeueAfterMs === undefined ? { actions } : { actions, requeueAfterMs }
}

function scaleActions(replicaSet: ReplicaSet, active: readonly Pod[]): readonly ReplicaSetAction[] {
  const missing = (replicaSet.spec.replicas ?? 1) - active.length
  if (missing > 0) return [{ kind: 'createPods', count: Math.min(missing, BURST) }]
  if (missing === 0) return []
  return deletionOrder(active)
    .slice(0, Math.min(-missing, BURST))
    .map((pod) => ({ kind: 'deletePod', pod }))
}

const PHASE_RANK: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 }

/** First the pods that are missed least: not running, not ready, cheap, young. Kubernetes' order. */
export function deletionOrder(pods: readonly Pod[]): readonly Pod[] {
  return [...pods].sort((left, right) => {
    for (const compare of COMPARISONS) {
      const difference = compare(left, right)
      if (difference !== 0) return difference
    }
    return 0
  })
}

const byNumber =
  (of: (pod: Pod) => number) =>
  (left: Pod, right: Pod): number =>
    of(left) - of(right)

const createdAt = (pod: Pod): number => Date.parse(pod.metadata.creationTimestamp ?? '') || 0

const COMPARISONS: readonly ((left: Pod, right: Pod) => number)[] = [
  byNumber((pod) => (pod.spec.nodeName === undefined ? 0 : 1)),
  byNumber((pod) => PHASE_RANK[pod.status?.phase ?? 'Pending'] ?? 0),
  byNumber((pod) => (isReady(pod) ? 1 : 0)),
  byNumber((pod) => Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0)),
  byNumber((pod) => -(readySince(pod) ?? 0)),
  byNumber((pod) => -restartsOf(pod)),
  byNumber((pod) => -createdAt(pod)),
  (left, right) => (left.metadata.name < right.metadata.name ? -1 : 1),
]

function countPods(state: ReplicaSetState, active: readonly Pod[]): NonNullable<ReplicaSet['status']> {
  const { replicaSet, now } = state
  const templateLabels = replicaSet.spec.template.metadata?.labels ?? {}
  const count = (condition: (pod: Pod) => boolean) => active.filter(condition).length
  return {
    replicas: active.length,
    fullyLabeledReplicas: count((pod) => matchesLabels(templateLabels, pod.metadata.labels)),
    readyReplicas: count(isReady),
    availableReplicas: count((pod) => isAvailable(pod, replicaSet.spec.minReadySeconds ?? 0, now)),
    ...(replicaSet.metadata.generation === undefined ? {} : { observedGeneration: replicaSet.metadata.generation }),
  }
}

const COUNTED = [
  'replicas',
  'fullyLabeledReplicas',
  'readyReplicas',
  'availableReplicas',
  'observedGeneration',
] as const satisfies readonly (keyof NonNullable<ReplicaSet['status']>)[]

/** A status that was never written differs, so that a set of no pods is observed too. */
const sameStatus = (left: NonNullable<ReplicaSet['status']>, right: ReplicaSet['status']): boolean =>
  right?.replicas !== undefined && COUNTED.every((field) => (left[field] ?? 0) === (right[field] ?? 0))

function untilAvailable({ replicaSet, now }: ReplicaSetState, active: readonly Pod[]): number | undefined {
  const minReadyMs = (replicaSet.spec.minReadySeconds ?? 0) * 1_000
  const waits = active.flatMap((pod) => {
    const wait = (readySince(pod) ?? Number.NaN) + minReadyMs - now
    return wait > 0 ? [wait] : []
  })
  return waits.length === 0 ? undefined : Math.min(...waits)
}
