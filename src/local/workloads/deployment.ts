import type { Deployment, Pod, ReplicaSet } from '../../api/index.ts'
import {
  desiredReplicasAnnotation,
  findNewReplicaSet,
  missingAnnotations,
  nextRevision,
  renderReplicaSet,
  replicaSetAnnotations,
  revisionAnnotation,
  revisionOf,
  sizeAnnotations,
} from './deployment-revision.ts'
import { type DeploymentStatus, isComplete, nextStatus, sameStatus, untilDeadline } from './deployment-status.ts'
import { isControlledBy } from './ownership.ts'
import { isFinished } from './pod-facts.ts'
import {
  availableOf,
  isRecreate,
  newReplicas,
  oldestFirst,
  replicasOf,
  type Scaling,
  scaleDownOld,
  scaleProportionally,
  sumReplicas,
  wantedReplicas,
} from './rolling-update.ts'

export interface DeploymentState {
  readonly deployment: Deployment
  /** The sets it controls. */
  readonly replicaSets: readonly ReplicaSet[]
  /** The pods of those sets. */
  readonly pods: readonly Pod[]
  readonly now: number
}

export type DeploymentAction =
  | { readonly kind: 'createReplicaSet'; readonly replicaSet: ReplicaSet }
  | {
      readonly kind: 'updateReplicaSet'
      readonly replicaSet: ReplicaSet
      readonly replicas?: number
      readonly annotations: Readonly<Record<string, string>>
    }
  | { readonly kind: 'deleteReplicaSet'; readonly replicaSet: ReplicaSet }
  | { readonly kind: 'annotateDeployment'; readonly annotations: Readonly<Record<string, string>> }
  | { readonly kind: 'writeStatus'; readonly status: DeploymentStatus }

export interface DeploymentDecision {
  readonly actions: readonly DeploymentAction[]
  /** The progress deadline passes after this time. */
  readonly requeueAfterMs?: number
}

/** One pass of Kubernetes' deployment controller: the next step of a rollout, its status, its history. */
export function decideDeployment(state: DeploymentState): DeploymentDecision {
  const { deployment, replicaSets, now } = state
  const fresh = findNewReplicaSet(deployment, replicaSets)
  const old = replicaSets.filter((each) => each.metadata.name !== fresh?.metadata.name)
  const rollout = { ...state, fresh, old }
  const steps = deployment.metadata.deletionTimestamp === undefined ? nextSteps(rollout) : []
  const created = steps.find((step) => step.kind === 'createReplicaSet')?.replicaSet
  const status = nextStatus({ deployment, fresh: fresh ?? created, created: created !== undefined, replicaSets, now })
  const actions = [...steps]
  if (!sameStatus(deployment.status, status)) actions.push({ kind: 'writeStatus', status })
  const requeueAfterMs = untilDeadline(deployment, status, now)
  return requeueAfterMs === undefined ? { actions } : { actions, requeueAfterMs }
}

interface Rollout extends DeploymentState {
  readonly fresh: ReplicaSet | undefined
  readonly old: readonly ReplicaSet[]
}

function nextSteps(rollout: Rollout): readonly DeploymentAction[] {
  const { deployment } = rollout
  if (deployment.spec.paused === true) return [...resize(rollout), ...removeHistory(rollout)]
  if (isResized(rollout)) return resize(rollout)
  const steps = isRecreate(deployment) ? recreate(rollout) : rollingUpdate(rollout)
  return [...steps, ...removeHistory(rollout)]
}

function rollingUpdate(rollout: Rollout): readonly DeploymentAction[] {
  const { deployment, fresh, old } = rollout
  if (fresh === undefined) return createNew(rollout)
  const annotated = annotateNew(rollout, fresh)
  const replicas = newReplicas(deployment, [...old, fresh], replicasOf(fresh))
  if (replicas !== replicasOf(fresh)) return [...annotated, scale(deployment, { replicaSet: fresh, replicas })]
  return [...annotated, ...scaleDownOld(deployment, fresh, old).map((scaling) => scale(deployment, scaling))]
}

/** Every old pod is gone before the first new one starts. */
function recreate(rollout: Rollout): readonly DeploymentAction[] {
  const { deployment, fresh, old, pods } = rollout
  const running = old.filter((replicaSet) => replicasOf(replicaSet) > 0)
  if (running.length > 0) return running.map((replicaSet) => scale(deployment, { replicaSet, replicas: 0 }))
  const remains = pods.some((pod) => !isFinished(pod) && old.some((replicaSet) => isControlledBy(pod, replicaSet)))
  if (remains) return []
  if (fresh === undefined) return createNew(rollout)
  const replicas = wantedReplicas(deployment)
  const scaled = replicas === replicasOf(fresh) ? [] : [scale(deployment, { replicaSet: fresh, replicas })]
  return [...annotateNew(rollout, fresh), ...scaled]
}

function createNew({ deployment, old }: Rollout): readonly DeploymentAction[] {
  const replicaSet = renderReplicaSet(deployment, old, newReplicas(deployment, old, 0))
  return [{ kind: 'createReplicaSet', replicaSet }, ...annotateDeployment(deployment, revisionOf(replicaSet))]
}

/** A set that is new again gets the next revision, so that histories stay in order. */
function annotateNew({ deployment, old }: Rollout, fresh: ReplicaSet): readonly DeploymentAction[] {
  const revision = Math.max(revisionOf(fresh), nextRevision(old))
  const annotations = missingAnnotations(fresh, replicaSetAnnotations(deployment, revision))
  const update: readonly DeploymentAction[] =
    Object.keys(annotations).length === 0 ? [] : [{ kind: 'updateReplicaSet', replicaSet: fresh, annotations }]
  return [...update, ...annotateDeployment(deployment, revision)]
}

function annotateDeployment(deployment: Deployment, revision: number): readonly DeploymentAction[] {
  const annotations = missingAnnotations(deployment, { [revisionAnnotation]: String(revision) })
  return Object.keys(annotations).length === 0 ? [] : [{ kind: 'annotateDeployment', annotations }]
}

/** The size changed since the sets were last scaled. */
function isResized({ deployment, replicaSets }: Rollout): boolean {
  return activeOf(replicaSets).some((replicaSet) => {
    const scaledFor = replicaSet.metadata.annotations?.[desiredReplicasAnnotation]
    return scaledFor !== undefined && Number(scaledFor) !== wantedReplicas(deployment)
  })
}

function resize({ deployment, replicaSets, fresh, old }: Rollout): readonly DeploymentAction[] {
  const active = activeOf(replicaSets)
  const wanted = wantedReplicas(deployment)
  if (active.length <= 1) {
    const only = active[0] ?? fresh ?? oldestFirst(old).at(-1)
    if (only === undefined || replicasOf(only) === wanted) return []
    return [scale(deployment, { replicaSet: only, replicas: wanted })]
  }
  if (fresh !== undefined && isSaturated(deployment, fresh)) {
    return activeOf(old).map((replicaSet) => scale(deployment, { replicaSet, replicas: 0 }))
  }
  if (isRecreate(deployment)) return []
  return scaleProportionally(deployment, active).map((scaling) => scale(deployment, scaling))
}

const isSaturated = (deployment: Deployment, fresh: ReplicaSet): boolean =>
  replicasOf(fresh) === wantedReplicas(deployment) &&
  Number(fresh.metadata.annotations?.[desiredReplicasAnnotation]) === wantedReplicas(deployment) &&
  availableOf(fresh) === wantedReplicas(deployment)

function scale(deployment: Deployment, { replicaSet, replicas }: Scaling): DeploymentAction {
  const annotations = missingAnnotations(replicaSet, sizeAnnotations(deployment))
  if (replicas === replicasOf(replicaSet)) return { kind: 'updateReplicaSet', replicaSet, annotations }
  return { kind: 'updateReplicaSet', replicaSet, replicas, annotations }
}

const activeOf = (replicaSets: readonly ReplicaSet[]): readonly ReplicaSet[] =>
  replicaSets.filter((replicaSet) => replicasOf(replicaSet) > 0)

function removeHistory({ deployment, old }: Rollout): readonly DeploymentAction[] {
  if (deployment.status === undefined || !isComplete(deployment, deployment.status)) return []
  const surplus = old.length - (deployment.spec.revisionHistoryLimit ?? 10)
  if (surplus <= 0) return []
  return [...old]
    .sort((left, right) => revisionOf(left) - revisionOf(right))
    .slice(0, surplus)
    .filter((replicaSet) => isIdle(replicaSet) && replicaSet.metadata.deletionTimestamp === undefined)
    .map((replicaSet) => ({ kind: 'deleteReplicaSet', replicaSet }))
}

const isIdle = (replicaSet: ReplicaSet): boolean =>
  sumReplicas([replicaSet]) === 0 && (replicaSet.status?.replicas ?? 0) === 0
