import type { PodTemplate } from '../api/index.ts'
import { hashValue } from '../base/index.ts'

/** Changes when the way of hashing does, so that an upgrade can tell the two apart. */
const HASH_VERSION = 'v1'

/** The change key of a pod template; replicas, strategy and metadata of the workload do not count. */
export const revisionOf = (template: PodTemplate): string => `${HASH_VERSION}-${hashValue(withoutNulls(template))}`

/** Some API servers send `creationTimestamp: null` in templates and later versions do not: no reason for a release. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (value === null || typeof value !== 'object') return value
  const fields = Object.entries(value).filter(([, field]) => field !== null)
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutNulls(field)]))
}
