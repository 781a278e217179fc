import type { Canary } from '../api/index.ts'

/** As messages name it: `Deployment web`. */
export const describeTarget = ({ spec }: Pick<Canary, 'spec'>): string =>
  `${spec.targetRef.kind} ${spec.targetRef.name}`
