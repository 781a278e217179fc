import type { WorkloadFacts } from '../../src/canary/index.ts'

export interface Workload {
  revision: string
  replicas: number
  readyReplicas: number
  /** Pods of this revision never become ready. */
  brokenRevisions: Set<string>
  failure?: WorkloadFacts['failure']
  /** Undefined counts as true: every pod is of the revision. */
  newPodsReady?: boolean
}

export function workload(revision: string, replicas: number, readyReplicas = 0): Workload {
  return { revision, replicas, readyReplicas, brokenRevisions: new Set(), newPodsReady: false }
}

export function rollOut(each: Workload): void {
  if (each.brokenRevisions.has(each.revision)) return
  each.newPodsReady = each.replicas > 0
  each.readyReplicas = each.replicas
}

export const workloadFacts = (each: Workload): WorkloadFacts => ({
  revision: each.revision,
  images: [`web:${each.revision}`],
  replicas: each.replicas,
  readyReplicas: each.readyReplicas,
  isReady: each.replicas > 0 && each.newPodsReady === true && each.readyReplicas >= each.replicas,
  failure: each.failure,
})
