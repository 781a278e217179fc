import type { Condition, Deployment, ReplicaSet } from '../../api/index.ts'
import { canonicalJson } from '../../base/index.ts'
import { availableOf, fencepostsOf, sumReplicas, wantedReplicas } from './rolling-update.ts'

export type DeploymentStatus = NonNullable<Deployment['status']>

export interface StatusInput {
  readonly deployment: Deployment
  readonly fresh: ReplicaSet | undefined
  /** The new set was created in this pass. */
  readonly created: boolean
  readonly replicaSets: readonly ReplicaSet[]
  readonly now: number
}

type Note = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

/** Counts and conditions as Kubernetes' deployment controller writes them. */
export function nextStatus(input: StatusInput): DeploymentStatus {
  const { deployment, now } = input
  const counted = count(input)
  const before = deployment.status?.conditions ?? []
  const available = availableCondition(deployment, counted)
  const conditions = put(put(before, available, now), progressCondition(input, counted), now)
  return { ...counted, conditions }
}

/** The whole rollout is done: everything runs the new template and is available. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = wantedReplicas(deployment)
  const counts = [status.updatedReplicas, status.replicas, status.availableReplicas]
  return (
    counts.every((each) => (each ?? 0) === wanted) &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  )
}

/** Milliseconds until the progress deadline must be looked at; undefined when none runs. */
export function untilDeadline(deployment: Deployment, status: DeploymentStatus, now: number): number | undefined {
  const progressing = status.conditions?.find(({ type }) => type === 'Progressing')
  if (progressing === undefined || progressing.status === 'False') return undefined
  if (progressing.reason === 'NewReplicaSetAvailable' || deployment.spec.paused === true) return undefined
  return Math.max(0, deadlineOf(deployment, progressing) - now) + 1
}

export const sameStatus = (left: DeploymentStatus | undefined, right: DeploymentStatus): boolean =>
  left !== undefined && canonicalJson(left) === canonicalJson(right)

function count({ deployment, fresh, replicaSets }: StatusInput): DeploymentStatus {
  const total = (of: (status: NonNullable<ReplicaSet['status']>) => number | undefined) =>
    replicaSets.reduce((sum, { status }) => sum + ((status && of(status)) ?? 0), 0)
  const available = replicaSets.reduce((sum, replicaSet) => sum + availableOf(replicaSet), 0)
  return {
    ...deployment.status,
    ...(deployment.metadata.generation === undefined ? {} : { observedGeneration: deployment.metadata.generation }),
    replicas: total((status) => status.replicas),
    updatedReplicas: fresh?.status?.replicas ?? 0,
    readyReplicas: total((status) => status.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sumReplicas(replicaSets) - available),
  }
}

function availableCondition(deployment: Deployment, status: DeploymentStatus): Note {
  const enough = (status.availableReplicas ?? 0) >= wantedReplicas(deployment) - fencepostsOf(deployment).maxUnavailable
  return {
    type: 'Available',
    status: enough ? 'True' : 'False',
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: enough ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
  }
}

const progressing = (status: Note['status'], reason: string, message: string): Note => ({
  type: 'Progressing',
  status,
  reason,
  message,
})

/** Undefined: the condition stays as it is. */
function progressCondition(input: StatusInput, status: DeploymentStatus): Note | undefined {
  const { deployment, fresh } = input
  const current = deployment.status?.conditions?.find(({ type }) => type === 'Progressing')
  const pause = pauseCondition(deployment, current)
  if (pause !== undefined || deployment.spec.paused === true || fresh === undefined) return pause
  const name = `ReplicaSet "${fresh.metadata.name}"`
  if (input.created)
    return progressing('True', 'NewReplicaSetCreated', `Created new replica set "${fresh.metadata.name}"`)
  if (isSettled(current, status)) return undefined
  if (isComplete(deployment, status)) {
    return progressing('True', 'NewReplicaSetAvailable', `${name} has successfully progressed.`)
  }
  if (hasProgressed(deployment.status, status)) {
    return progressing('True', 'ReplicaSetUpdated', `${name} is progressing.`)
  }
  if (current === undefined || current.reason === 'NewReplicaSetAvailable') {
    return progressing('True', 'FoundNewReplicaSet', `Found new replica set "${fresh.metadata.name}"`)
  }
  const late = current.status !== 'False' && deadlineOf(deployment, current) <= input.now
  return late ? progressing('False', 'ProgressDeadlineExceeded', `${name} has timed out progressing.`) : undefined
}

/** A finished rollout whose pods come and go later is no new rollout. */
const isSettled = (current: Condition | undefined, status: DeploymentStatus): boolean =>
  current?.reason === 'NewReplicaSetAvailable' && status.replicas === status.updatedReplicas

function pauseCondition(deployment: Deployment, current: Condition | undefined): Note | undefined {
  const isMarked = current?.reason === 'DeploymentPaused'
  if (current?.reason === 'ProgressDeadlineExceeded' && deployment.spec.paused === true) return undefined
  if (deployment.spec.paused === true && !isMarked) {
    return progressing('Unknown', 'DeploymentPaused', 'Deployment is paused')
  }
  if (deployment.spec.paused !== true && isMarked) {
    return progressing('Unknown', 'DeploymentResumed', 'Deployment is resumed')
  }
  return undefined
}

function hasProgressed(before: DeploymentStatus | undefined, after: DeploymentStatus): boolean {
  const grew = (['updatedReplicas', 'readyReplicas', 'availableReplicas'] as const).some(
    (field) => (after[field] ?? 0) > (before?.[field] ?? 0),
  )
  return grew || oldPods(after) < oldPods(before)
}

const oldPods = (status: DeploymentStatus | undefined): number =>
  (status?.replicas ?? 0) - (status?.updatedReplicas ?? 0)

const deadlineOf = (deployment: Deployment, condition: Condition): number =>
  Date.parse(condition.lastUpdateTime ?? condition.lastTransitionTime) +
  (deployment.spec.progressDeadlineSeconds ?? 600) * 1_000

function put(conditions: readonly Condition[], note: Note | undefined, now: number): readonly Condition[] {
  if (note === undefined) return conditions
  const previous = conditions.find(({ type }) => type === note.type)
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z')
  // Progress renews the update time, or the deadline would count from the beginning.
  const renews = note.type === 'Progressing'
  if (previous !== undefined && !renews && previous.status === note.status && previous.reason === note.reason) {
    return conditions
  }
  const condition: Condition = {
    ...note,
    lastUpdateTime: time,
    lastTransitionTime: previous?.status === note.status ? previous.lastTransitionTime : time,
  }
  return [...conditions.filter(({ type }) => type !== note.type), condition].sort(byType)
}

const byType = (left: Condition, right: Condition): number => (left.type < right.type ? -1 : 1)
