import type { MetricMemory, MetricVerdict } from '../api/index.ts'
import { decideOn } from './judge/decision.ts'
import type { Finding } from './measuring.ts'
import type { Check, Measured } from './port.ts'

/** The verdict on a metric: what was found, what it means under the metric's policies, and what is remembered of it. */
export function conclude(check: Check, { window, opinions, evidence, ...found }: Finding): Measured {
  const { metric, memory } = check
  const said = opinions ?? [{ state: found.state, rule: settingOf(found.state), message: found.message }]
  const { failedChecks, consecutiveFailedChecks, ...decided } = decideOn(metric, said, memory)
  return {
    metric: metric.name,
    thresholdRange: metric.thresholdRange ?? {},
    windowStart: new Date(window.startMs).toISOString(),
    windowEnd: new Date(window.endMs).toISOString(),
    ...found,
    ...decided,
    ...remember(check, { failedChecks, consecutiveFailedChecks, evidence: evidence ?? memory?.evidence }),
  }
}

/** A metric whose checks stand each for itself needs no memory. */
function remember({ metric }: Check, { evidence, ...counts }: Omit<MetricMemory, 'metric'>): Pick<Measured, 'memory'> {
  const { failureLimit, consecutiveFailureLimit, comparison } = metric
  if ((comparison ?? failureLimit ?? consecutiveFailureLimit) === undefined) return {}
  return { memory: { metric: metric.name, ...counts, ...(evidence === undefined ? {} : { evidence }) } }
}

function settingOf(state: MetricVerdict['state']): string {
  if (state === 'no-data') return 'onNoData'
  if (state === 'query-error') return 'onQueryError'
  return state === 'provider-down' ? 'onProviderDown' : 'thresholdRange'
}
