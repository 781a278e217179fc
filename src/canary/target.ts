import type { Canary } from '../api/index.ts'
import type { WorkloadFacts } from './observation.ts'

/** As messages name it: `Deployment web`. */
export const describeTarget = ({ spec }: Pick<Canary, 'spec'>): string =>
  `${spec.targetRef.kind} ${spec.targetRef.name}`

/** `2 of 3 pods are ready`. */
export const describeReadiness = (
  { readyReplicas = 0, replicas = 0, hasForeignPods }: Partial<WorkloadFacts> = {},
  wanted = replicas,
): string => (hasForeignPods ? `${readyReplicas} endpoints are ready` : `${readyReplicas} of ${wanted} pods are ready`)
