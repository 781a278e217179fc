import type { Condition, DaemonSet, Deployment } from '../../api/index.ts'
import type { WorkloadFacts } from '../../canary/index.ts'
import type { TrackedConfigs } from '../config/tracker.ts'
import { revisionAnnotation, revisionWith } from './primary.ts'
import { isDaemonSet, isNowhere, templateOf, type Workload } from './workload.ts'

/** Percentage of the wanted pods that must be available. */
type ReadyThreshold = number

/** The workload that users write, as the state machine sees it. */
export const targetFacts = (workload: Workload, configs: TrackedConfigs, threshold: ReadyThreshold): WorkloadFacts => ({
  ...facts(workload, threshold),
  revision: revisionWith(workload, configs),
})

/** The primary differs from its source by a label: its revision is that of the source, which it says unless it is unmarked. */
export function primaryFacts(
  workload: Workload,
  threshold: ReadyThreshold,
  unmarked: string | undefined,
): WorkloadFacts {
  const revision = unmarked ?? workload.metadata.annotations?.[revisionAnnotation] ?? ''
  return { ...facts(workload, threshold), revision, ...(unmarked !== undefined && { isUnmarked: true }) }
}

export const hasReadyPods = (workload: Workload): boolean => podsOf(workload).ready > 0

/** As far as its own controller has told. */
export const hasPods = (workload: Workload): boolean => podsOf(workload).all > 0

function facts(workload: Workload, threshold: ReadyThreshold): Omit<WorkloadFacts, 'revision'> {
  const pods = podsOf(workload)
  return {
    images: templateOf(workload).spec.containers.map(({ image }) => image),
    replicas: pods.wanted,
    readyReplicas: pods.ready,
    isReady: isObserved(workload) && isReady(pods, threshold),
    failure: isObserved(workload) && !isDaemonSet(workload) ? failureOf(workload) : undefined,
  }
}

interface Pods {
  readonly wanted: number
  readonly all: number
  readonly updated: number
  readonly ready: number
  readonly available: number
}

const podsOf = (workload: Workload): Pods =>
  isDaemonSet(workload) ? podsOfDaemonSet(workload) : podsOfDeployment(workload)

const podsOfDeployment = ({ spec, status }: Deployment): Pods => ({
  wanted: spec.replicas ?? 1,
  all: status?.replicas ?? 0,
  updated: status?.updatedReplicas ?? 0,
  ready: status?.readyReplicas ?? 0,
  available: status?.availableReplicas ?? 0,
})

/** Its nodes say how many pods it wants: at least one, unless it was sent nowhere. */
const podsOfDaemonSet = (daemonSet: DaemonSet): Pods => ({
  wanted: isNowhere(daemonSet) ? 0 : Math.max(1, daemonSet.status?.desiredNumberScheduled ?? 1),
  all: daemonSet.status?.currentNumberScheduled ?? 0,
  updated: daemonSet.status?.updatedNumberScheduled ?? 0,
  ready: daemonSet.status?.numberReady ?? 0,
  available: daemonSet.status?.numberAvailable ?? 0,
})

/** The workload's own controller has seen the newest spec; before that its status speaks of an older one. */
const isObserved = ({ metadata, status }: Workload): boolean =>
  (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)

/** No pod of an older template is left, and enough of the new ones serve. */
function isReady({ wanted, all, updated, available }: Pods, threshold: ReadyThreshold): boolean {
  const isRolledOut = updated >= wanted && all <= updated
  return wanted > 0 && isRolledOut && available >= Math.max(1, Math.floor((wanted * threshold) / 100))
}

function failureOf({ metadata, status }: Deployment): WorkloadFacts['failure'] {
  const condition = status?.conditions?.find(({ type }) => type === 'Progressing')
  if (condition?.status !== 'False' || condition.reason !== 'ProgressDeadlineExceeded') return undefined
  return { message: `Deployment ${metadata.name}: ${condition.message}`, at: timeOf(condition) }
}

const timeOf = ({ lastUpdateTime, lastTransitionTime }: Condition): number => {
  const time = Date.parse(lastUpdateTime ?? lastTransitionTime)
  return Number.isNaN(time) ? 0 : time
}
