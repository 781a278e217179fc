import type { Query } from './dashboard.ts'

const WINDOW = '[$__rate_interval]'
/** 5xx, and requests without an answer. */
const FAILED = 'response_code=~"5..|0"'

/** Requests a second of what these label matchers select, told apart by labels. */
export const requests = (matchers: string, by: string, legend: string): Query => ({
  expr: `sum by (${by}) (rate(istio_requests_total{${matchers}}${WINDOW}))`,
  legend,
})

export const requestRate = (matchers: string): string => `sum(rate(istio_requests_total{${matchers}}${WINDOW}))`

/** Failed ones a second; 0 where there are requests and none has failed. */
export const failures = (matchers: string, by: string, legend: string): Query => ({
  expr: `sum by (${by}) (rate(istio_requests_total{${matchers}, ${FAILED}}${WINDOW})) or sum by (${by}) (rate(istio_requests_total{${matchers}}${WINDOW})) * 0`,
  legend,
})

/** Percentage of requests that did not fail. */
export const successRate = (matchers: string): string =>
  `100 * (1 - (sum(rate(istio_requests_total{${matchers}, ${FAILED}}${WINDOW})) or vector(0)) / sum(rate(istio_requests_total{${matchers}}${WINDOW})))`

/** The same for each value of labels. */
export const successRates = (matchers: string, by: string, legend: string): Query => {
  const all = `sum by (${by}) (rate(istio_requests_total{${matchers}}${WINDOW}))`
  const failed = `sum by (${by}) (rate(istio_requests_total{${matchers}, ${FAILED}}${WINDOW}))`
  return { expr: `100 * (1 - (${failed} or ${all} * 0) / ${all})`, legend }
}

export const quantile = (share: number, matchers: string, by = ''): string =>
  `histogram_quantile(${share}, sum by (${by === '' ? 'le' : `${by}, le`}) (rate(istio_request_duration_milliseconds_bucket{${matchers}}${WINDOW})))`

/** p50, p95 and p99. */
export const latencies = (matchers: string, by = '', suffix = ''): readonly Query[] =>
  [0.5, 0.95, 0.99].map((share) => ({
    expr: quantile(share, matchers, by),
    legend: `p${share * 100}${suffix}`,
  }))

/** Requests that the caller's proxy answered itself, by Envoy's response flag. */
export const flagged = (matchers: string, flags: string, legend: string): Query => ({
  expr: `sum(rate(istio_requests_total{${matchers}, response_flags=~"${flags}"}${WINDOW})) or vector(0)`,
  legend,
})

/** Timeouts, open breakers and targets that were not there, as callers see them. */
export const callerFailures = (matchers: string): readonly Query[] => [
  flagged(matchers, 'UT|SI', 'timeout'),
  flagged(matchers, 'UO', 'circuit breaker open'),
  flagged(matchers, 'UF|UC|LR|UR', 'connection failed or broken'),
  flagged(matchers, 'UH|NC|NR', 'no healthy pod or no route'),
  flagged(matchers, 'URX', 'retries used up'),
]
