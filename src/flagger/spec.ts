import { parseDuration } from '../base/index.ts'
import { compact, type Fields, fieldsOf, listOf, pick } from './fields.ts'
import { convertMatch, convertRouting } from './routing.ts'

/** Flagger's floor, and what it takes where it can not read the interval. */
const SHORTEST_INTERVAL_MS = 10_000
const UNREADABLE_INTERVAL = '60s'
const DEFAULT_METRIC_INTERVAL = '1m'
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE'] as const

/**
 * The spec of a `sluice.dev` Canary that releases as Flagger would. What Sluice has no word for is handed on as it is:
 * the parser of the Canary refuses it by its path, and the Canary stalls instead of releasing differently.
 */
export function convertSpec(spec: Fields): Fields {
  const { provider, metricsServer, targetRef, autoscalerRef, progressDeadlineSeconds, skipAnalysis, suspend } = spec
  return compact({
    provider,
    metricsServer,
    targetRef,
    autoscalerRef,
    service: convertService(fieldsOf(spec.service)),
    analysis: convertAnalysis(fieldsOf(spec.analysis), fieldsOf(spec.service)),
    progressDeadlineSeconds,
    skipAnalysis,
    suspend,
    revertOnDeletion: spec.revertOnDeletion,
  })
}

const SERVICE_FIELDS = [
  ...['name', 'port', 'portName', 'targetPort', 'gateways', 'hosts', 'timeout', 'retries'],
  ...['appProtocol', 'trafficDistribution', 'portDiscovery', 'headless', 'apex', 'primary', 'canary'],
  ...['unmanagedMetadata', 'trafficPolicy'],
]

/** An empty text is Go's word for nothing. */
function convertService(service: Fields): Fields {
  const said = Object.fromEntries(Object.entries(service).filter(([, value]) => value !== ''))
  return { ...pick(said, SERVICE_FIELDS), ...convertRouting(service) }
}

function convertAnalysis(analysis: Fields, service: Fields): Fields {
  const { threshold, mirror, mirrorWeight, iterations, stepWeightPromotion } = analysis
  const match = convertMatch(analysis.match, service)
  return compact({
    interval: convertInterval(analysis.interval),
    threshold: typeof threshold === 'number' && threshold >= 1 ? threshold : 1,
    mirror: mirror === true,
    mirrorWeight: typeof mirrorWeight === 'number' && mirrorWeight > 0 ? mirrorWeight : 100,
    mirrorMethods: METHODS,
    iterations: isPositive(iterations) ? iterations : undefined,
    match,
    ...(isPositive(iterations) ? {} : convertWeights(analysis)),
    stepWeightPromotion: isPositive(stepWeightPromotion) && match === undefined ? stepWeightPromotion : undefined,
    // Without weights nobody meets two versions by turns.
    sessionAffinity: isPositive(iterations) ? undefined : analysis.sessionAffinity,
    primaryReadyThreshold: analysis.primaryReadyThreshold,
    canaryReadyThreshold: analysis.canaryReadyThreshold,
    metrics: listOf(analysis.metrics).map(convertMetric),
    // Flagger looks once in an interval, and never in between.
    guard: { enabled: false },
    webhooks: listOf(analysis.webhooks).map(convertWebhook),
    alerts: listOf(analysis.alerts).map(convertAlert),
  })
}

const isPositive = (value: unknown): value is number => typeof value === 'number' && value > 0

function convertInterval(interval: unknown): string {
  const text = typeof interval === 'string' ? interval : UNREADABLE_INTERVAL
  const parsed = parseDuration(text)
  if (!parsed.ok) return UNREADABLE_INTERVAL
  return parsed.value < SHORTEST_INTERVAL_MS ? '10s' : text
}

/** Weights above 100 are 100; a list makes the largest weight superfluous. */
function convertWeights({ stepWeight, stepWeights, maxWeight }: Fields): Fields {
  const atMost100 = (weight: unknown) => (isPositive(weight) ? Math.min(100, weight) : undefined)
  if (Array.isArray(stepWeights) && stepWeights.length > 0) {
    return { stepWeights: stepWeights.map((weight) => atMost100(weight) ?? weight) }
  }
  const largest = atMost100(maxWeight) ?? 100
  return { maxWeight: largest, stepWeight: Math.min(largest, atMost100(stepWeight) ?? largest) }
}

/** Whatever keeps Flagger from a value is a failed check to it. */
function convertMetric(metric: Fields): Fields {
  const { name, interval, thresholdRange, threshold, templateRef, templateVariables } = metric
  return compact({
    name,
    interval: interval ?? DEFAULT_METRIC_INTERVAL,
    thresholdRange: isEmpty(thresholdRange) ? rangeOf(name, threshold) : thresholdRange,
    templateRef,
    templateVariables,
    onNoData: 'fail',
    onQueryError: 'fail',
    onProviderDown: 'fail',
  })
}

const isEmpty = (value: unknown): boolean => Object.keys(fieldsOf(value)).length === 0

/** The deprecated limit: the least success rate, and the most of anything else; 0 where there is none. */
const rangeOf = (name: unknown, threshold: unknown): Fields =>
  name === 'request-success-rate' ? { min: threshold ?? 0 } : { max: threshold ?? 0 }

const convertWebhook = (webhook: Fields): Fields => {
  const { type } = webhook
  return {
    ...pick(webhook, ['name', 'url', 'timeout', 'retries', 'metadata', 'muteAlert', 'disableTLS']),
    ...(type ? { type } : {}),
  }
}

const convertAlert = (alert: Fields): Fields => {
  const { severity } = alert
  return { ...pick(alert, ['name', 'providerRef']), ...(severity ? { severity } : {}) }
}

/** What this Canary asks for that would change how users are served, and that Sluice can not do for it. */
export function unsupportedFields(spec: Fields): readonly string[] {
  const analysis = fieldsOf(spec.analysis)
  return listOf(analysis.metrics).flatMap(({ query, templateRef }, index) =>
    query !== undefined && templateRef === undefined ? [`analysis.metrics[${index}].query`] : [],
  )
}
