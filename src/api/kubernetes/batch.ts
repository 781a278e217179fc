import type { Condition, KubernetesObject, ResourceKind } from './meta.ts'
import type { PodTemplate } from './workloads.ts'

export interface Job extends KubernetesObject {
  readonly spec: {
    readonly template: PodTemplate
    readonly parallelism?: number
    readonly completions?: number
    readonly backoffLimit?: number
    readonly activeDeadlineSeconds?: number
    readonly ttlSecondsAfterFinished?: number
    readonly suspend?: boolean
  }
  readonly status?: {
    readonly active?: number
    readonly ready?: number
    readonly succeeded?: number
    readonly failed?: number
    readonly startTime?: string
    readonly completionTime?: string
    readonly conditions?: readonly Condition[]
  }
}

/** Labels that the Job controller puts on the pods of a Job, whose value is its name. */
export const jobNameLabel = 'batch.kubernetes.io/job-name'
export const legacyJobNameLabel = 'job-name'

export const jobKind: ResourceKind<Job> = {
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  namespaced: true,
}
