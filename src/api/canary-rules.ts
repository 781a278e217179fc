import type { Rule } from './rules.ts'

/** Metrics whose query Sluice knows; every other name needs a MetricTemplate. */
const builtinMetrics = ['request-success-rate', 'request-duration'] as const

interface Range {
  readonly min?: number | undefined
  readonly max?: number | undefined
}

interface NamedMetric {
  readonly name: string
  readonly templateRef?: object | undefined
  readonly comparison?: { readonly slowerThan?: string | undefined } | undefined
  readonly limits?: object | undefined
}

interface Steps {
  readonly mirror: boolean
  readonly mirrorWeight: number
  readonly mirrorMethods: readonly string[]
  readonly stepWeight?: number | undefined
  readonly stepWeights?: readonly number[] | undefined
  readonly maxWeight?: number | undefined
}

interface NamedService {
  readonly targetRef: { readonly apiVersion: string; readonly kind: string; readonly name: string }
  readonly autoscalerRef?: object | undefined
  readonly service: { readonly name?: string | undefined }
  readonly metricsProvider?: string | undefined
  readonly analysis: { readonly metrics?: readonly Pick<NamedMetric, 'templateRef'>[] | undefined }
}

/** Whose built-in metrics tell versions apart by their Services; those of the others do by their workloads. */
const countingByService = ['apisix', 'consul', 'contour', 'gloo', 'kuma', 'nginx', 'skipper', 'traefik'] as const

export const thresholdRangeRules: readonly Rule<Range>[] = [
  {
    cel: 'has(self.min) || has(self.max)',
    message: 'min or max must be set',
    holds: ({ min, max }) => min !== undefined || max !== undefined,
  },
  {
    cel: '!has(self.min) || !has(self.max) || self.min <= self.max',
    message: 'min must not exceed max',
    field: 'min',
    holds: ({ min, max }) => min === undefined || max === undefined || min <= max,
  },
]

export const templateRefRules: readonly Rule<{ kind?: string | undefined; namespace?: string | undefined }>[] = [
  {
    cel: "!has(self.kind) || self.kind != 'ClusterMetricTemplate' || !has(self.namespace)",
    message: 'a ClusterMetricTemplate has no namespace',
    field: 'namespace',
    holds: ({ kind, namespace }) => kind !== 'ClusterMetricTemplate' || namespace === undefined,
  },
]

export const metricRules: readonly Rule<NamedMetric>[] = [
  {
    cel: `has(self.templateRef) || self.name in [${builtinMetrics.map((name) => `'${name}'`).join(', ')}]`,
    message: `only ${builtinMetrics.join(' and ')} are built in: name the MetricTemplate of this metric`,
    field: 'templateRef',
    holds: ({ name, templateRef }) =>
      templateRef !== undefined || builtinMetrics.some((builtinMetric) => builtinMetric === name),
  },
  {
    cel: '!has(self.comparison) || !has(self.templateRef)',
    message: 'only built-in metrics are compared with the primary: leave comparison out beside templateRef',
    field: 'comparison',
    holds: ({ comparison, templateRef }) => comparison === undefined || templateRef === undefined,
  },
  {
    cel: "!has(self.comparison) || (self.name == 'request-duration') == has(self.comparison.slowerThan)",
    message: 'comparison.slowerThan belongs to request-duration, which needs it',
    field: 'comparison',
    holds: ({ name, comparison }) =>
      comparison === undefined || (name === 'request-duration') === (comparison.slowerThan !== undefined),
  },
  {
    cel: "!has(self.limits) || (self.name == 'request-success-rate' && !has(self.templateRef))",
    message: 'limits belong to the built-in request-success-rate',
    field: 'limits',
    holds: ({ name, limits, templateRef }) =>
      limits === undefined || (name === 'request-success-rate' && templateRef === undefined),
  },
]

export const analysisRules: readonly Rule<Steps>[] = [
  {
    cel: '!has(self.stepWeights) || (self.stepWeights.isSorted() && self.stepWeights.all(weight, self.stepWeights.exists_one(other, other == weight)))',
    message: 'stepWeights must ascend, each larger than the one before',
    field: 'stepWeights',
    holds: ({ stepWeights = [] }) => stepWeights.every((weight, index) => weight > (stepWeights[index - 1] ?? 0)),
  },
  {
    cel: '!has(self.maxWeight) || has(self.stepWeight)',
    message: 'maxWeight needs stepWeight: the last of stepWeights is the largest weight',
    field: 'maxWeight',
    holds: ({ maxWeight, stepWeight }) => maxWeight === undefined || stepWeight !== undefined,
  },
  {
    cel: '!has(self.maxWeight) || !has(self.stepWeight) || self.maxWeight >= self.stepWeight',
    message: 'maxWeight must not be smaller than stepWeight',
    field: 'maxWeight',
    holds: ({ maxWeight, stepWeight }) =>
      maxWeight === undefined || stepWeight === undefined || maxWeight >= stepWeight,
  },
  {
    cel: '!self.mirror || self.mirrorWeight > 0',
    message: 'mirrorWeight must be at least 1 while mirror is true',
    field: 'mirrorWeight',
    holds: ({ mirror, mirrorWeight }) => !mirror || mirrorWeight > 0,
  },
  {
    cel: '!self.mirror || self.mirrorMethods.size() > 0',
    message: 'mirrorMethods must name a method while mirror is true',
    field: 'mirrorMethods',
    holds: ({ mirror, mirrorMethods }) => !mirror || mirrorMethods.length > 0,
  },
]

/** A Service's name has 63 characters at most, and the primary's ends in `-primary`. */
const LONGEST_SERVICE_NAME = 55

export const specRules: readonly Rule<NamedService>[] = [
  {
    cel: "!has(self.autoscalerRef) || self.targetRef.kind == 'Deployment'",
    message: 'autoscalerRef belongs to a Deployment',
    field: 'autoscalerRef',
    holds: ({ autoscalerRef, targetRef }) => autoscalerRef === undefined || targetRef.kind === 'Deployment',
  },
  {
    cel: `has(self.service.name) || self.targetRef.name.size() <= ${LONGEST_SERVICE_NAME}`,
    message: `the name of the workload is too long for its Services: set service.name, at most ${LONGEST_SERVICE_NAME} characters`,
    field: 'service',
    holds: ({ service, targetRef }) => service.name !== undefined || targetRef.name.length <= LONGEST_SERVICE_NAME,
  },
  {
    cel: "self.targetRef.kind != 'Service' || self.targetRef.apiVersion == 'v1'",
    message: "only Services of the core group are released: set apiVersion to 'v1'",
    field: 'targetRef.apiVersion',
    holds: ({ targetRef: { kind, apiVersion } }) => kind !== 'Service' || apiVersion === 'v1',
  },
  {
    cel: "self.targetRef.kind != 'Service' || !has(self.service.name) || self.service.name == self.targetRef.name",
    message: 'a Service that is released is the one that users call: leave service.name out',
    field: 'service.name',
    holds: ({ service, targetRef }) =>
      targetRef.kind !== 'Service' || service.name === undefined || service.name === targetRef.name,
  },
  {
    cel: `self.targetRef.kind != 'Service' || !has(self.analysis.metrics) || self.analysis.metrics.all(metric, has(metric.templateRef)) || (has(self.metricsProvider) && self.metricsProvider in [${countingByService.map((name) => `'${name}'`).join(', ')}])`,
    message:
      'the built-in metrics of this provider count by workload, and a Service has none: name the MetricTemplate of each metric',
    field: 'analysis.metrics',
    holds: ({ targetRef, metricsProvider, analysis: { metrics = [] } }) =>
      targetRef.kind !== 'Service' ||
      metrics.every(({ templateRef }) => templateRef !== undefined) ||
      countingByService.some((provider) => provider === metricsProvider),
  },
]
