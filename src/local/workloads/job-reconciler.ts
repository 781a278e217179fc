import { type Job, jobKind, jobNameLabel, legacyJobNameLabel, type Pod, podKind } from '../../api/index.ts'
import type { WorkOutcome } from '../../kube/index.ts'
import { decideJob, type JobAction } from './job.ts'
import { controllerReference, isControlledBy } from './ownership.ts'
import { randomSuffix } from './safe-name.ts'
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
  const { client, leaving } = context
  const { name, namespace } = job.metadata
  switch (action.kind) {
    case 'createPods':
      for (let made = 0; made < action.count; made += 1) await createPod(context, job)
      return
    case 'deletePod': {
      const { uid, ...pod } = action.pod.metadata
      if (uid !== undefined) leaving.add(uid)
      return client.delete(podKind, { namespace, name: pod.name })
    }
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

async function createPod(context: WorkloadContext, job: Job): Promise<void> {
  const pod = await context.client.create(podKind, renderJobPod(job, randomSuffix(context.random)))
  context.pods.overlay(pod)
  const message = `Created pod: ${pod.metadata.name}`
  await context.events.record(job, { type: 'Normal', reason: 'SuccessfulCreate', message })
}

function renderJobPod(job: Job, suffix: string): Pod {
  const { template } = job.spec
  const { name, namespace, uid = '' } = job.metadata
  const own = { [jobNameLabel]: name, [legacyJobNameLabel]: name, 'batch.kubernetes.io/controller-uid': uid }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-${suffix}`,
      generateName: `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...template.metadata?.labels, ...own },
      annotations: { ...template.metadata?.annotations },
      ownerReferences: [controllerReference(jobKind, job)],
    },
    spec: template.spec,
  }
}
