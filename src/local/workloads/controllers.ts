import {
  daemonSetKind,
  deploymentKind,
  endpointSliceKind,
  jobKind,
  type KubernetesObject,
  type Pod,
  podKind,
  type ResourceKind,
  replicaSetKind,
  serviceKind,
  serviceNameLabel,
} from '../../api/index.ts'
import {
  createEventRecorder,
  createReflector,
  createWorkQueue,
  type KubeClient,
  type WorkOutcome,
  type WorkQueue,
} from '../../kube/index.ts'
import { type Clock, type Logger, runTogether, untilAborted } from '../../runtime/index.ts'
import { reconcileDaemonSet } from './daemon-set-reconciler.ts'
import { reconcileDeployment } from './deployment-reconciler.ts'
import { reconcileService } from './endpoint-slice-reconciler.ts'
import { reconcileJob } from './job-reconciler.ts'
import { controllerOf } from './ownership.ts'
import { reconcileReplicaSet } from './replica-set-reconciler.ts'
import { matchesLabels } from './selector.ts'
import { keyOf, type WorkloadContext } from './workload-context.ts'

export interface WorkloadControllersOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Logger
  readonly random: () => number
}

export interface WorkloadControllers {
  start(signal: AbortSignal): Promise<void>
}

/** Deployments, DaemonSets, ReplicaSets, Jobs and the EndpointSlices of Services, each with a queue of its own. */
export function createWorkloadControllers(options: WorkloadControllersOptions): WorkloadControllers {
  const context = createContext(options)
  const queue = (reconcile: (context: WorkloadContext, key: string) => Promise<WorkOutcome>) =>
    createWorkQueue({
      reconcile: (key: string) => reconcile(context, key),
      clock: options.clock,
      log: options.log,
      random: options.random,
      concurrency: 8,
    })
  const queues = {
    daemonSets: queue(reconcileDaemonSet),
    deployments: queue(reconcileDeployment),
    replicaSets: queue(reconcileReplicaSet),
    jobs: queue(reconcileJob),
    services: queue(reconcileService),
  }
  connect(context, queues)
  const reflectors = [
    context.daemonSets,
    context.deployments,
    context.replicaSets,
    context.jobs,
    context.pods,
    context.services,
    context.endpointSlices,
  ] as const
  const work = async (signal: AbortSignal) => {
    await Promise.race([Promise.all(reflectors.map(({ synced }) => synced)), untilAborted(signal)])
    await runTogether(
      signal,
      Object.values(queues).map((each) => (stop: AbortSignal) => each.start(stop)),
    )
  }
  return {
    start: (signal) =>
      runTogether(signal, [...reflectors.map((each) => (stop: AbortSignal) => each.start(stop)), work]),
  }
}

function createContext({ client, clock, log, random }: WorkloadControllersOptions): WorkloadContext {
  const reflect = <T extends KubernetesObject>(kind: ResourceKind<T>) =>
    createReflector({ client, kind, clock, log, random })
  return {
    client,
    clock,
    random,
    daemonSets: reflect(daemonSetKind),
    deployments: reflect(deploymentKind),
    replicaSets: reflect(replicaSetKind),
    jobs: reflect(jobKind),
    pods: reflect(podKind),
    services: reflect(serviceKind),
    endpointSlices: reflect(endpointSliceKind),
    events: createEventRecorder({ client, component: 'local-workloads', clock, log }),
    leaving: new Set(),
  }
}

interface Queues {
  readonly daemonSets: WorkQueue
  readonly deployments: WorkQueue
  readonly replicaSets: WorkQueue
  readonly jobs: WorkQueue
  readonly services: WorkQueue
}

/** An object wakes its own queue and that of its controller. */
function connect(context: WorkloadContext, queues: Queues): void {
  context.daemonSets.onChange((current, previous) => wake(queues.daemonSets, current ?? previous))
  context.deployments.onChange((current, previous) => wake(queues.deployments, current ?? previous))
  context.replicaSets.onChange((current, previous) => {
    wake(queues.replicaSets, current ?? previous)
    wakeController(queues.deployments, 'Deployment', current ?? previous)
  })
  context.jobs.onChange((current, previous) => wake(queues.jobs, current ?? previous))
  context.services.onChange((current, previous) => wake(queues.services, current ?? previous))
  context.endpointSlices.onChange((current, previous) => {
    const slice = current ?? previous
    const name = slice?.metadata.labels?.[serviceNameLabel]
    if (slice !== undefined && name !== undefined) {
      queues.services.add(keyOf({ namespace: slice.metadata.namespace, name }))
    }
  })
  context.pods.onChange((current, previous) => podChanged(context, queues, { current, previous }))
}

function podChanged(
  context: WorkloadContext,
  queues: Queues,
  { current, previous }: { readonly current: Pod | undefined; readonly previous: Pod | undefined },
): void {
  const pod = current ?? previous
  if (pod === undefined) return
  if (current === undefined && pod.metadata.uid !== undefined) context.leaving.delete(pod.metadata.uid)
  wakeController(queues.replicaSets, 'ReplicaSet', pod)
  wakeController(queues.jobs, 'Job', pod)
  wakeController(queues.daemonSets, 'DaemonSet', pod)
  if (current === undefined) wakeDeploymentOf(context, queues, pod)
  for (const service of context.services.list(pod.metadata.namespace)) {
    const selects = (each: Pod | undefined) =>
      each !== undefined && matchesLabels(service.spec.selector ?? {}, each.metadata.labels)
    if (selects(current) || selects(previous)) wake(queues.services, service)
  }
}

/** Recreate waits for the last old pod to be gone. */
function wakeDeploymentOf(context: WorkloadContext, queues: Queues, pod: Pod): void {
  const owner = controllerOf(pod)
  if (owner?.kind !== 'ReplicaSet') return
  const replicaSet = context.replicaSets.get({ namespace: pod.metadata.namespace, name: owner.name })
  wakeController(queues.deployments, 'Deployment', replicaSet)
}

function wake(queue: WorkQueue, object: KubernetesObject | undefined): void {
  if (object !== undefined) queue.add(keyOf(object.metadata))
}

function wakeController(queue: WorkQueue, kind: string, object: KubernetesObject | undefined): void {
  const owner = object === undefined ? undefined : controllerOf(object)
  if (object === undefined || owner?.kind !== kind) return
  queue.add(keyOf({ namespace: object.metadata.namespace, name: owner.name }))
}
