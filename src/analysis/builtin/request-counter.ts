import { success } from '../../base/index.ts'
import type { Sample } from '../provider.ts'
import { isSelected, renderCounters, type Selector } from './matcher.ts'
import type { Backend, BuiltinMetric } from './metric.ts'

/** Where a data plane counts its requests. */
export interface RequestCounter {
  readonly metric: string
  /** Series of one version: those of any of the selectors. */
  readonly selectors: (backend: Backend) => readonly Selector[]
  readonly isFailure: (labels: Sample['labels']) => boolean
}

/** A 5xx, or no answer at all. */
export const isFailedCode = (code: string | undefined): boolean => code !== undefined && /^(0|5..)$/.test(code)

/** The share of requests that did not fail, in percent, from one counter with a label for the result. */
export function successRateOf({ metric, selectors, isFailure }: RequestCounter): BuiltinMetric {
  const count = (increases: readonly Sample[]) => {
    const sum = (samples: readonly Sample[]) => samples.reduce((total, { value }) => total + value, 0)
    return { requests: sum(increases), errors: sum(increases.filter(({ labels }) => isFailure(labels))) }
  }
  return {
    title: 'success rate',
    unit: 'percent',
    flushMs: 0,
    query: (backend, range) => renderCounters(metric, selectors(backend), range),
    isOf: (backend, sample) => isSelected(sample, selectors(backend)),
    read(increases) {
      const { requests, errors } = count(increases)
      if (requests === 0) return { requests, errors, evidence: 'no requests' }
      const value = (100 * (requests - errors)) / requests
      return { value, requests, errors, evidence: `${errors} of ${requests} requests failed` }
    },
    count(increases) {
      const { requests, errors: failures } = count(increases)
      return success({ requests, failures, failing: 'failed' })
    },
  }
}
