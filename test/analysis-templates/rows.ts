import { expect } from 'vitest'

export interface Row {
  readonly template: string
  /** Values for its variables, where the defaults do not do. */
  readonly variables?: Readonly<Record<string, string>>
  readonly thresholdRange: { readonly min?: number; readonly max?: number }
  /** Namespace of the history -> what is found there. */
  readonly found: Readonly<Record<string, object>>
}

const noSeries = { state: 'no-data', message: expect.stringMatching(/ is unknown: the query found no series$/) }
const notANumber = { state: 'no-data', message: expect.stringMatching(/ is NaN, which is no evidence$/) }
const passed = (value: unknown) => ({ state: 'passed', value })
const failed = (value: unknown) => ({ state: 'failed', value })
const near = (value: number) => expect.closeTo(value, 6)

export const rows: readonly Row[] = [
  {
    template: 'success-rate',
    variables: { failures: '5..|429|0' },
    thresholdRange: { min: 99 },
    found: {
      good: { ...passed(100), message: 'success-rate 100 is at least 99' },
      bad: { ...failed(75), message: 'success-rate 75 is below 99' },
      'first-error': failed(expect.closeTo(98.77, 2)),
      'all-failed': failed(0),
      restarted: passed(100),
      idle: notANumber,
      empty: noSeries,
    },
  },
  {
    template: 'success-rate',
    thresholdRange: { min: 99 },
    found: { good: passed(100), bad: passed(100), broken: failed(75) },
  },
  {
    template: 'latency-quantile',
    variables: { quantile: '0.5' },
    thresholdRange: { max: 100 },
    found: { good: passed(17.5), bad: failed(375), empty: noSeries },
  },
  {
    template: 'latency-quantile',
    thresholdRange: { max: 100 },
    found: { good: passed(near(24.85)), bad: failed(500) },
  },
  {
    template: 'slow-requests-share',
    variables: { limit: '250' },
    thresholdRange: { max: 1 },
    found: { good: passed(0), bad: failed(60), empty: noSeries },
  },
  { template: 'slow-requests-share', thresholdRange: { max: 1 }, found: { good: passed(0), bad: failed(40) } },
  {
    template: 'error-budget-burn-rate',
    variables: { objective: '99', long: '60s', short: '10s' },
    thresholdRange: { max: 2 },
    found: {
      saving: passed(near(0.5)),
      burning: failed(near(5)),
      burnt: passed(0),
      idle: notANumber,
      empty: noSeries,
    },
  },
  {
    template: 'grpc-success-rate',
    thresholdRange: { min: 99 },
    found: { 'grpc-good': passed(100), 'grpc-bad': failed(75), 'grpc-lost': failed(80), good: noSeries },
  },
  {
    template: 'grpc-success-rate-application',
    thresholdRange: { min: 99 },
    found: { 'app-good': passed(100), 'app-bad': failed(75), 'app-idle': notANumber, empty: noSeries },
  },
  {
    template: 'success-rate-application',
    variables: { counter: 'http_request_duration_seconds_count', label: 'status' },
    thresholdRange: { min: 99 },
    found: { 'app-good': passed(100), 'app-bad': failed(75), 'app-idle': notANumber, empty: noSeries },
  },
  ...(['success-rate-linkerd', 'success-rate-nginx'] as const).map((template) => ({
    template,
    thresholdRange: { min: 99 },
    found: { 'app-good': passed(100), 'app-bad': failed(75), empty: noSeries },
  })),
  ...(['latency-quantile-application', 'latency-quantile-linkerd', 'latency-quantile-nginx'] as const).map(
    (template) => ({
      template,
      variables: { quantile: '0.7' },
      thresholdRange: { max: 500 },
      found: { 'app-good': passed(near(70)), 'app-bad': failed(near(750)), empty: noSeries },
    }),
  ),
  {
    template: 'slow-requests-share-application',
    thresholdRange: { max: 1 },
    found: { 'app-good': passed(0), 'app-bad': failed(near(60)), empty: noSeries },
  },
  {
    template: 'saturation-cpu',
    variables: { window: '10s' },
    thresholdRange: { max: 80 },
    found: { calm: passed(near(40)), full: failed(near(95)), unlimited: noSeries, empty: noSeries },
  },
  {
    template: 'saturation-memory',
    variables: { window: '10s' },
    thresholdRange: { max: 80 },
    found: { calm: passed(70), full: failed(95), unlimited: noSeries, empty: noSeries },
  },
  {
    template: 'container-restarts',
    variables: { window: '8s' },
    thresholdRange: { max: 0 },
    found: { calm: passed(0), full: failed(1), crashing: failed(2), empty: noSeries },
  },
  {
    template: 'available-replicas',
    variables: { window: '10s' },
    thresholdRange: { min: 75 },
    found: { calm: passed(100), flapping: failed(50), gone: notANumber, empty: noSeries },
  },
  ...(['kafka-consumer-lag', 'rabbitmq-queue-depth'] as const).flatMap((template) => {
    const name = template === 'kafka-consumer-lag' ? 'group' : 'queues'
    const row = (queue: string, found: object): Row => ({
      template,
      variables: { [name]: queue, window: '10s' },
      thresholdRange: { max: 1_000 },
      found: { [queue]: found },
    })
    return [row('short', passed(200)), row('long', failed(expect.any(Number))), row('none', noSeries)]
  }),
  {
    template: 'business-ratio',
    variables: { part: 'orders_completed_total', whole: 'checkouts_started_total' },
    thresholdRange: { min: 40 },
    found: { selling: passed(near(45)), losing: failed(near(20)), nobody: notANumber, empty: noSeries },
  },
  {
    template: 'business-ratio-compared',
    variables: { part: 'orders_completed_total', whole: 'checkouts_started_total' },
    thresholdRange: { min: 80 },
    found: {
      selling: passed(near(90)),
      losing: failed(near(40)),
      alone: noSeries,
      nobody: notANumber,
      empty: noSeries,
    },
  },
]
