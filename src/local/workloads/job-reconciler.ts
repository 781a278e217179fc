import { type Job, jobKind, jobNameLabel, legacyJobNameLabel, type Pod } from '../../api/index.ts'
import type { WorkOutcome } from '../../kube/index.ts'
import { decideJob, type JobAction } from './job.ts'
import { createOwnedPod, deleteOwnedPod, renderOwnedPod } from './owned-pod.ts'
import { isControlledBy } from './ownership.ts'
import { parseKey, type WorkloadContext } from './workload-context.ts'

/** Creates and counts the pods of one Job, until it has ended. */
export async function reconcileJob(context: WorkloadContext, key: string): Promise<WorkOutcome> {
  const job = context.jobs.get(parseKey(key))
  if (job === undefined) return {}
  const pods = context.pods.list(job.metadata.namespace).filter((pod) => isControlledBy(pod, job))
  const decision = decideJob({ job, pods, leaving: context.leaving, now: context.clock.now() })
  for (const action of decision.actions) await perform(context, job, action)
  return { requeueAfterMs: decision.requeueAfterMs }
}

async function perform(context: WorkloadContext, job: Job, action: JobAction): Promise<void> {
  const { client } = context
  const { name, namespace } = job.metadata
  switch (action.kind) {
    case 'createPods':
      for (let made = 0; made < action.count; made += 1)
        await createOwnedPod(context, job, (suffix) => renderJobPod(job, suffix))
      return
    case 'deletePod':
      return deleteOwnedPod(context, action.pod)
    case 'writeStatus': {
      const options = { type: 'merge', subresource: 'status' } as const
      context.jobs.overlay(await client.patch(jobKind, { namespace, name }, { status: action.status }, options))
      return
    }
    case 'deleteJob':
      return client.delete(jobKind, { namespace, name }, { propagationPolicy: 'Background' })
    default:
      return action satisfies never
  }
}

function renderJobPod(job: Job, suffix: string): Pod {
  const { name, uid = '' } = job.metadata
  const own = { [jobNameLabel]: name, [legacyJobNameLabel]: name, 'batch.kubernetes.io/controller-uid': uid }
  return renderOwnedPod(jobKind, job, suffix, own)
}
