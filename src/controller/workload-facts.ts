import type { Condition, Deployment } from '../api/index.ts'
import type { WorkloadFacts } from '../canary/index.ts'
import type { TrackedConfigs } from './config/tracker.ts'
import { revisionAnnotation, revisionWith } from './primary.ts'

/** The workload that users write, as the state machine sees it. */
export const targetFacts = (deployment: Deployment, configs: TrackedConfigs): WorkloadFacts => ({
  ...facts(deployment),
  revision: revisionWith(deployment, configs),
})

/** The primary differs from its source by a label: its revision is that of the source. */
export const primaryFacts = (deployment: Deployment): WorkloadFacts => ({
  ...facts(deployment),
  revision: deployment.metadata.annotations?.[revisionAnnotation] ?? '',
})

function facts(deployment: Deployment): Omit<WorkloadFacts, 'revision'> {
  return {
    images: deployment.spec.template.spec.containers.map(({ image }) => image),
    replicas: wantedReplicas(deployment),
    readyReplicas: deployment.status?.readyReplicas ?? 0,
    isReady: isReady(deployment),
    failure: isObserved(deployment) ? failureOf(deployment) : undefined,
  }
}

const wantedReplicas = ({ spec }: Deployment): number => spec.replicas ?? 1

/** The Deployment controller has seen the newest spec; before that its status speaks of an older one. */
const isObserved = ({ metadata, status }: Deployment): boolean =>
  (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)

function isReady(deployment: Deployment): boolean {
  const wanted = wantedReplicas(deployment)
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = deployment.status ?? {}
  const isRolledOut = updatedReplicas >= wanted && replicas <= updatedReplicas
  return wanted > 0 && isObserved(deployment) && isRolledOut && availableReplicas >= wanted
}

function failureOf(deployment: Deployment): WorkloadFacts['failure'] {
  const condition = deployment.status?.conditions?.find(({ type }) => type === 'Progressing')
  if (condition?.status !== 'False' || condition.reason !== 'ProgressDeadlineExceeded') return undefined
  return { message: `Deployment ${deployment.metadata.name}: ${condition.message}`, at: timeOf(condition) }
}

const timeOf = ({ lastUpdateTime, lastTransitionTime }: Condition): number => {
  const time = Date.parse(lastUpdateTime ?? lastTransitionTime)
  return Number.isNaN(time) ? 0 : time
}
