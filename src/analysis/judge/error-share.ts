import type { Limits } from '../../api/index.ts'
import type { Arm } from '../statistics/arm.ts'
import { wilsonInterval } from '../statistics/interval.ts'
import type { Opinion } from './opinion.ts'
import { percent } from './words.ts'

/** One in 1,000 windows of a version at its very ceiling would be taken for one above it. */
const CERTAINTY_Z = 3.09

/** Whether the new version certainly fails more than any version may, whatever the primary does. */
export function judgeErrorShare(
  { requests, failures }: Arm,
  limits: Limits,
  certaintyZ = CERTAINTY_Z,
): Opinion | undefined {
  if (requests < limits.minRequests) return undefined
  const { lower } = wilsonInterval(failures, requests, certaintyZ)
  if (lower <= limits.errorShare) return undefined
  return {
    state: 'failed',
    rule: 'limits.errorShare',
    message: `${failures} of ${requests} requests failed: certainly more than ${percent(limits.errorShare)}`,
  }
}
