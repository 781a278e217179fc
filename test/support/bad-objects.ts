import { badConnections } from './bad-connections.ts'
import type { BadObject } from './bad-object.ts'
import { badRouting } from './bad-routing.ts'
import { badTemplates } from './bad-templates.ts'
import { rawCanary } from './raw-canary.ts'

const canaryWith = (analysis: object, spec: object = {}) => rawCanary({ analysis: { ...analysis }, spec: { ...spec } })
const metric = (fields: object) => canaryWith({ metrics: [{ name: 'request-success-rate', ...fields }] })
const webhook = (url: string) => canaryWith({ webhooks: [{ name: 'gate', url }] })
const object = (kind: string, spec: object) => ({
  apiVersion: 'sluice.dev/v1',
  kind,
  metadata: { name: 'bad', namespace: 'default' },
  spec,
})

const inCanary = (rule: string, bad: object, field: string, message: string): BadObject => ({
  rule,
  resource: 'canaries',
  object: { ...bad },
  field,
  message,
})

const exactlyOne = 'exactly one of stepWeight, stepWeights and iterations must be set'
const ascending = 'stepWeights must ascend, each larger than the one before'
const steps = (...stepWeights: readonly number[]) => canaryWith({ stepWeight: undefined, stepWeights })
const matchBeta = [{ headers: { 'x-user': { exact: 'beta' } } }]
const abTest = (match: readonly object[]) => canaryWith({ stepWeight: undefined, iterations: 2, match })
const targetRef = { apiVersion: 'v1', kind: 'Service', name: 'web' }
const ofService = (spec: object) => canaryWith({}, { targetRef, ...spec })
const autoscaled = (more: object) =>
  canaryWith({}, { autoscalerRef: { kind: 'HorizontalPodAutoscaler', name: 'web', ...more } })
const webAddress = 'must be an address that begins with http:// or https://'

export const badObjects: readonly BadObject[] = [
  inCanary('no steps', canaryWith({ stepWeight: undefined }), 'spec.analysis.stepWeight', exactlyOne),
  inCanary('both kinds of steps', canaryWith({ stepWeights: [1] }), 'spec.analysis.stepWeight', exactlyOne),
  inCanary('weights beside iterations', canaryWith({ iterations: 2 }), 'spec.analysis.stepWeight', exactlyOne),
  inCanary(
    'a match beside weights',
    canaryWith({ match: [{ headers: { cookie: { exact: 'beta' } } }] }),
    'spec.analysis.match',
    'match needs iterations: matching requests all go to the new version, so there are no weights',
  ),
  inCanary(
    'a match of everything',
    abTest([{ headers: {} }]),
    'spec.analysis.match[0]',
    'must say which requests match: those of the route all would',
  ),
  inCanary(
    'a header that matches in two ways',
    abTest([{ headers: { 'x-user': { exact: 'a', prefix: 'b' } } }]),
    'spec.analysis.match[0].headers[x-user]',
    'exactly one of exact, prefix, suffix and regex must be set',
  ),
  inCanary(
    'a return in steps of an A/B test',
    canaryWith({ stepWeight: undefined, iterations: 2, match: matchBeta, stepWeightPromotion: 20 }),
    'spec.analysis.stepWeightPromotion',
    'stepWeightPromotion moves shares of all requests, and with match there are none',
  ),
  inCanary(
    'one cookie for both versions',
    canaryWith({ sessionAffinity: { cookieName: 'a', primaryCookieName: 'a' } }),
    'spec.analysis.sessionAffinity.primaryCookieName',
    'primaryCookieName must differ from cookieName',
  ),
  inCanary(
    'users kept without weights',
    canaryWith({ stepWeight: undefined, iterations: 2, sessionAffinity: { cookieName: 'a' } }),
    'spec.analysis.sessionAffinity',
    'sessionAffinity keeps users while weights move, and with iterations there are none',
  ),
  inCanary('steps that fall', steps(10, 5), 'spec.analysis.stepWeights', ascending),
  inCanary('steps that stand', steps(10, 10), 'spec.analysis.stepWeights', ascending),
  inCanary(
    'maxWeight beside stepWeights',
    canaryWith({ stepWeight: undefined, stepWeights: [5, 10], maxWeight: 50 }),
    'spec.analysis.maxWeight',
    'maxWeight needs stepWeight: the last of stepWeights is the largest weight',
  ),
  inCanary(
    'maxWeight below the first step',
    canaryWith({ stepWeight: 20, maxWeight: 10 }),
    'spec.analysis.maxWeight',
    'maxWeight must not be smaller than stepWeight',
  ),
  inCanary(
    'a mirror of nothing',
    canaryWith({ mirrorWeight: 0 }),
    'spec.analysis.mirrorWeight',
    'mirrorWeight must be at least 1 while mirror is true',
  ),
  inCanary(
    'a mirror of no method',
    canaryWith({ mirrorMethods: [] }),
    'spec.analysis.mirrorMethods',
    'mirrorMethods must name a method while mirror is true',
  ),
  inCanary(
    'a range without ends',
    metric({ thresholdRange: {} }),
    'spec.analysis.metrics[0].thresholdRange',
    'min or max must be set',
  ),
  inCanary(
    'a range upside down',
    metric({ thresholdRange: { min: 2, max: 1 } }),
    'spec.analysis.metrics[0].thresholdRange.min',
    'min must not exceed max',
  ),
  inCanary(
    'an unknown metric without a template',
    metric({ name: 'queue-depth' }),
    'spec.analysis.metrics[0].templateRef',
    'only request-success-rate and request-duration are built in: name the MetricTemplate of this metric',
  ),
  inCanary(
    'a comparison of a template',
    metric({ name: 'queue-depth', templateRef: { name: 'queue' }, comparison: {} }),
    'spec.analysis.metrics[0].comparison',
    'only built-in metrics are compared with the primary: leave comparison out beside templateRef',
  ),
  inCanary(
    'a comparison of durations without a limit',
    metric({ name: 'request-duration', comparison: {} }),
    'spec.analysis.metrics[0].comparison',
    'comparison.slowerThan belongs to request-duration, which needs it',
  ),
  inCanary(
    'limits of a metric without errors',
    metric({ name: 'request-duration', limits: { errorShare: 0.5 } }),
    'spec.analysis.metrics[0].limits',
    'limits belong to the built-in request-success-rate',
  ),
  inCanary(
    'two metrics of one name',
    canaryWith({ metrics: [{ name: 'request-duration' }, { name: 'request-duration' }] }),
    'spec.analysis.metrics[1]',
    'Duplicate value: {"name":"request-duration"}',
  ),
  inCanary(
    'an interval below a second',
    canaryWith({ interval: '500ms' }),
    'spec.analysis.interval',
    'must be at least 1s',
  ),
  inCanary(
    'a window below a second',
    metric({ interval: '0.9s' }),
    'spec.analysis.metrics[0].interval',
    'must be at least 1s',
  ),
  inCanary('a webhook to a file', webhook('file:///etc/passwd'), 'spec.analysis.webhooks[0].url', webAddress),
  inCanary('a webhook to nowhere', webhook('http://'), 'spec.analysis.webhooks[0].url', webAddress),
  inCanary(
    'a metrics server without a scheme',
    canaryWith({}, { metricsServer: 'prometheus:9090' }),
    'spec.metricsServer',
    webAddress,
  ),
  inCanary(
    'a workload whose Services could not be named',
    canaryWith({}, { targetRef: { kind: 'Deployment', name: 'w'.repeat(56) } }),
    'spec.service',
    'the name of the workload is too long for its Services: set service.name, at most 55 characters',
  ),
  inCanary(
    'a Service that is released under another name',
    ofService({ service: { port: 80, name: 'other' } }),
    'spec.service.name',
    'a Service that is released is the one that users call: leave service.name out',
  ),
  inCanary(
    'a Service of Knative',
    ofService({ targetRef: { ...targetRef, apiVersion: 'serving.knative.dev/v1' } }),
    'spec.targetRef.apiVersion',
    "only Services of the core group are released: set apiVersion to 'v1'",
  ),
  inCanary(
    'a built-in metric of a Service',
    rawCanary({ spec: { targetRef }, analysis: { metrics: [{ name: 'request-success-rate' }] } }),
    'spec.analysis.metrics',
    'the built-in metrics of this provider count by workload, and a Service has none: name the MetricTemplate of each metric',
  ),
  inCanary(
    'an autoscaler of a DaemonSet',
    canaryWith(
      {},
      {
        targetRef: { kind: 'DaemonSet', name: 'web' },
        autoscalerRef: { kind: 'HorizontalPodAutoscaler', name: 'web' },
      },
    ),
    'spec.autoscalerRef',
    'autoscalerRef belongs to a Deployment',
  ),
  {
    rule: 'an alert provider without an address',
    resource: 'alertproviders',
    object: object('AlertProvider', { type: 'slack' }),
    field: 'spec',
    message: 'exactly one of address and secretRef must be set',
  },
  {
    rule: 'an alert provider with two addresses',
    resource: 'alertproviders',
    object: object('AlertProvider', { type: 'slack', address: 'http://a', secretRef: { name: 'a' } }),
    field: 'spec',
    message: 'exactly one of address and secretRef must be set',
  },
  {
    rule: 'an alert provider that is no web address',
    resource: 'alertproviders',
    object: object('AlertProvider', { type: 'slack', address: 'ftp://a' }),
    field: 'spec.address',
    message: webAddress,
  },
  inCanary(
    'queries for the pods of a HorizontalPodAutoscaler',
    autoscaled({ primaryScalerQueries: { a: 'b' } }),
    'spec.autoscalerRef.primaryScalerQueries',
    'primaryScalerQueries belong to a ScaledObject',
  ),
  inCanary(
    'bounds upside down',
    autoscaled({ primaryScalerReplicas: { minReplicas: 3, maxReplicas: 2 } }),
    'spec.autoscalerRef.primaryScalerReplicas',
    'minReplicas must not exceed maxReplicas',
  ),
  inCanary(
    'a query parameter that matches in two ways',
    abTest([{ queryParams: { beta: { exact: 'a', prefix: 'b' } } }]),
    'spec.analysis.match[0].queryParams[beta]',
    'exactly one of exact, prefix, suffix and regex must be set',
  ),
  inCanary(
    'a cluster-wide template in a namespace',
    metric({ templateRef: { kind: 'ClusterMetricTemplate', name: 'mine', namespace: 'theirs' } }),
    'spec.analysis.metrics[0].templateRef.namespace',
    'a ClusterMetricTemplate has no namespace',
  ),
  ...badConnections,
  ...badRouting,
  ...badTemplates,
]
