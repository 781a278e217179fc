import type { Deployment, ReplicaSet } from '../../api/index.ts'

export interface Fenceposts {
  readonly maxSurge: number
  readonly maxUnavailable: number
}

export interface Scaling {
  readonly replicaSet: ReplicaSet
  readonly replicas: number
}

export const wantedReplicas = (deployment: Deployment): number => deployment.spec.replicas ?? 1

export const isRecreate = (deployment: Deployment): boolean => deployment.spec.strategy?.type === 'Recreate'

export const replicasOf = (replicaSet: ReplicaSet): number => replicaSet.spec.replicas ?? 1

export const availableOf = (replicaSet: ReplicaSet): number => replicaSet.status?.availableReplicas ?? 0

export const sumReplicas = (replicaSets: readonly ReplicaSet[]): number => sum(replicaSets.map(replicasOf))

/** maxSurge rounds up and maxUnavailable down; both 0 would never move, so one pod may then be missing. */
export function fencepostsOf(deployment: Deployment): Fenceposts {
  const replicas = wantedReplicas(deployment)
  if (isRecreate(deployment)) return { maxSurge: 0, maxUnavailable: 0 }
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {}
  const surge = scaled(maxSurge, replicas, Math.ceil)
  const unavailable = scaled(maxUnavailable, replicas, Math.floor)
  return { maxSurge: surge, maxUnavailable: Math.min(surge + unavailable === 0 ? 1 : unavailable, replicas) }
}

/** Replicas of the new set after one step up, within the surge. */
export function newReplicas(deployment: Deployment, all: readonly ReplicaSet[], current: number): number {
  const wanted = wantedReplicas(deployment)
  if (isRecreate(deployment)) return wanted
  if (current > wanted) return wanted
  const room = wanted + fencepostsOf(deployment).maxSurge - sumReplicas(all)
  return current + Math.max(0, Math.min(room, wanted - current))
}

/** The old sets' next step down: first the pods that serve nobody, then as many as availability allows. */
export function scaleDownOld(
  deployment: Deployment,
  fresh: ReplicaSet,
  old: readonly ReplicaSet[],
): readonly Scaling[] {
  const all = [...old, fresh]
  const minAvailable = wantedReplicas(deployment) - fencepostsOf(deployment).maxUnavailable
  const freshUnavailable = replicasOf(fresh) - availableOf(fresh)
  const mayGo = sumReplicas(all) - minAvailable - freshUnavailable
  if (sumReplicas(old) === 0 || mayGo <= 0) return []
  const cleaned = takeAway(old, mayGo, (replicaSet) => replicasOf(replicaSet) - availableOf(replicaSet))
  const spare = sum(all.map(availableOf)) - minAvailable
  return changed(old, takeAway(cleaned, spare, replicasOf))
}

/** Spreads a changed size over the sets of a running rollout in proportion, so that both keep their share of risk. */
export function scaleProportionally(deployment: Deployment, active: readonly ReplicaSet[]): readonly Scaling[] {
  const wanted = wantedReplicas(deployment)
  const size = wanted === 0 ? 0 : wanted + fencepostsOf(deployment).maxSurge
  const toAdd = size - sumReplicas(active)
  const ordered = [...active].sort((left, right) => bySize(left, right, toAdd > 0))
  let added = 0
  const shares = ordered.map((replicaSet) => {
    const share = toAdd === 0 ? 0 : proportion({ replicaSet, size, toAdd, added })
    added += share
    return Math.max(0, replicasOf(replicaSet) + share)
  })
  return ordered.map((replicaSet, index) => ({
    replicaSet,
    // What rounding left over goes to the largest set.
    replicas: Math.max(0, (shares[index] ?? 0) + (index === 0 ? toAdd - added : 0)),
  }))
}

interface Share {
  readonly replicaSet: ReplicaSet
  readonly size: number
  readonly toAdd: number
  readonly added: number
}

function proportion({ replicaSet, size, toAdd, added }: Share): number {
  const replicas = replicasOf(replicaSet)
  const previousSize = Number(replicaSet.metadata.annotations?.['deployment.kubernetes.io/max-replicas'] ?? 0)
  if (replicas === 0 || previousSize === 0) return 0
  const fraction = Math.round((replicas * size) / previousSize) - replicas
  const allowed = toAdd - added
  return toAdd > 0 ? Math.min(fraction, allowed) : Math.max(fraction, allowed)
}

function takeAway(
  replicaSets: readonly ReplicaSet[],
  budget: number,
  limit: (replicaSet: ReplicaSet) => number,
): readonly ReplicaSet[] {
  let left = Math.max(0, budget)
  return oldestFirst(replicaSets).map((replicaSet) => {
    const gone = Math.max(0, Math.min(left, replicasOf(replicaSet), limit(replicaSet)))
    left -= gone
    return { ...replicaSet, spec: { ...replicaSet.spec, replicas: replicasOf(replicaSet) - gone } }
  })
}

function changed(before: readonly ReplicaSet[], after: readonly ReplicaSet[]): readonly Scaling[] {
  return after.flatMap((each) => {
    const replicaSet = before.find(({ metadata }) => metadata.name === each.metadata.name)
    if (replicaSet === undefined || replicasOf(replicaSet) === replicasOf(each)) return []
    return [{ replicaSet, replicas: replicasOf(each) }]
  })
}

export const oldestFirst = (replicaSets: readonly ReplicaSet[]): readonly ReplicaSet[] =>
  [...replicaSets].sort((left, right) => createdAt(left) - createdAt(right) || byName(left, right))

function bySize(left: ReplicaSet, right: ReplicaSet, newestFirst: boolean): number {
  const age = createdAt(left) - createdAt(right)
  return replicasOf(right) - replicasOf(left) || (newestFirst ? -age : age)
}

const byName = (left: ReplicaSet, right: ReplicaSet): number => (left.metadata.name < right.metadata.name ? -1 : 1)

const createdAt = (replicaSet: ReplicaSet): number => Date.parse(replicaSet.metadata.creationTimestamp ?? '') || 0

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

function scaled(value: number | string, of: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value
  const percent = Number(value.replace(/%$/, ''))
  return Number.isFinite(percent) ? round((percent * of) / 100) : 0
}
