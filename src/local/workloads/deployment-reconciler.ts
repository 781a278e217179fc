import { type Deployment, deploymentKind, type ReplicaSet, replicaSetKind } from '../../api/index.ts'
import type { WorkOutcome } from '../../kube/index.ts'
import { type DeploymentAction, decideDeployment } from './deployment.ts'
import { isControlledBy } from './ownership.ts'
import { replicasOf } from './rolling-update.ts'
import { parseKey, type WorkloadContext } from './workload-context.ts'

/** Brings one Deployment a step further; further steps follow from the watch. */
export async function reconcileDeployment(context: WorkloadContext, key: string): Promise<WorkOutcome> {
  const deployment = context.deployments.get(parseKey(key))
  if (deployment === undefined) return {}
  const { namespace } = deployment.metadata
  const replicaSets = context.replicaSets.list(namespace).filter((each) => isControlledBy(each, deployment))
  const pods = context.pods.list(namespace).filter((pod) => replicaSets.some((each) => isControlledBy(pod, each)))
  const decision = decideDeployment({ deployment, replicaSets, pods, now: context.clock.now() })
  for (const action of decision.actions) await perform(context, deployment, action)
  return { requeueAfterMs: decision.requeueAfterMs }
}

async function perform(context: WorkloadContext, deployment: Deployment, action: DeploymentAction): Promise<void> {
  const { client, replicaSets } = context
  switch (action.kind) {
    case 'createReplicaSet':
      replicaSets.overlay(await client.create(replicaSetKind, action.replicaSet))
      return noteScaling(context, deployment, { to: replicasOf(action.replicaSet), from: 0, set: action.replicaSet })
    case 'updateReplicaSet':
      return updateReplicaSet(context, deployment, action)
    case 'deleteReplicaSet':
      return client.delete(replicaSetKind, action.replicaSet.metadata, { propagationPolicy: 'Background' })
    case 'annotateDeployment':
      return patchDeployment(context, deployment, { metadata: { annotations: action.annotations } })
    case 'writeStatus':
      return patchDeployment(context, deployment, { status: action.status }, 'status')
  }
}

async function updateReplicaSet(
  context: WorkloadContext,
  deployment: Deployment,
  action: Extract<DeploymentAction, { kind: 'updateReplicaSet' }>,
): Promise<void> {
  const { replicaSet, replicas, annotations } = action
  if (replicas === undefined && Object.keys(annotations).length === 0) return
  const patch = { metadata: { annotations }, ...(replicas === undefined ? {} : { spec: { replicas } }) }
  const { name, namespace } = replicaSet.metadata
  const written = await context.client.patch(replicaSetKind, { name, namespace }, patch, { type: 'merge' })
  context.replicaSets.overlay(written)
  if (replicas === undefined) return
  await noteScaling(context, deployment, { to: replicas, from: replicasOf(replicaSet), set: replicaSet })
}

async function patchDeployment(
  context: WorkloadContext,
  deployment: Deployment,
  patch: object,
  subresource?: 'status',
): Promise<void> {
  const { name, namespace } = deployment.metadata
  const options = { type: 'merge' as const, ...(subresource === undefined ? {} : { subresource }) }
  context.deployments.overlay(await context.client.patch(deploymentKind, { name, namespace }, patch, options))
}

interface ScalingNote {
  readonly set: ReplicaSet
  readonly from: number
  readonly to: number
}

async function noteScaling(context: WorkloadContext, deployment: Deployment, note: ScalingNote): Promise<void> {
  if (note.to === note.from) return
  const direction = note.to > note.from ? 'up' : 'down'
  await context.events.record(deployment, {
    type: 'Normal',
    reason: 'ScalingReplicaSet',
    message: `Scaled ${direction} replica set ${note.set.metadata.name} from ${note.from} to ${note.to}`,
  })
}
