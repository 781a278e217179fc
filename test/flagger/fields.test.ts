import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { type Fields, fieldsOf } from '../../src/flagger/fields.ts'
import { convertTemplate } from '../../src/flagger/metric-template.ts'
import { convertSpec, unsupportedFields } from '../../src/flagger/spec.ts'

/** `taken`: it changes what is released; `refused`: the Canary stalls by it; `ignored`: docs/flagger.md names it. */
type Outcome = 'taken' | 'refused' | 'ignored'

const one = { headers: { beta: { exact: 'a' } } }

/** Every field of the specs in the CRDs of Flagger 1.44, a value for it, and what becomes of it. */
const canaryFields: Readonly<Record<Exclude<Outcome, 'refused'>, Readonly<Record<string, unknown>>>> = {
  taken: {
    provider: 'istio',
    metricsServer: 'http://prometheus:9090',
    progressDeadlineSeconds: 60,
    'targetRef.apiVersion': 'apps/v1',
    'targetRef.kind': 'DaemonSet',
    'targetRef.name': 'other',
    'autoscalerRef.apiVersion': 'autoscaling/v2',
    'autoscalerRef.kind': 'HorizontalPodAutoscaler',
    'autoscalerRef.name': 'other',
    'autoscalerRef.primaryScalerQueries': { a: 'b' },
    'autoscalerRef.primaryScalerReplicas.minReplicas': 2,
    'autoscalerRef.primaryScalerReplicas.maxReplicas': 3,
    'service.name': 'other',
    'service.port': 81,
    'service.portName': 'grpc',
    'service.targetPort': 'web',
    'service.timeout': '1s',
    'service.retries': { attempts: 2 },
    'service.gateways': ['mesh'],
    'service.hosts': ['a.example'],
    'service.trafficPolicy': { tls: { mode: 'DISABLE' } },
    'service.headless': true,
    'service.appProtocol': 'http',
    'service.trafficDistribution': 'PreferClose',
    'service.portDiscovery': true,
    'service.apex': { labels: { a: 'b' } },
    'service.primary': { labels: { a: 'b' } },
    'service.canary': { labels: { a: 'b' } },
    'service.unmanagedMetadata': { labels: ['a'] },
    'service.match': [{ uri: { prefix: '/a' } }],
    'service.rewrite': { uri: '/' },
    'service.headers': { request: { add: { a: 'b' } } },
    'service.corsPolicy': { allowMethods: ['GET'] },
    'service.delegation': true,
    skipAnalysis: true,
    revertOnDeletion: true,
    suspend: true,
    'analysis.interval': '2m',
    'analysis.iterations': 3,
    'analysis.threshold': 7,
    'analysis.maxWeight': 40,
    'analysis.stepWeight': 5,
    'analysis.stepWeights': [1, 2],
    'analysis.stepWeightPromotion': 20,
    'analysis.mirror': true,
    'analysis.mirrorWeight': 20,
    'analysis.primaryReadyThreshold': 50,
    'analysis.canaryReadyThreshold': 50,
    'analysis.metrics.0.name': 'other',
    'analysis.metrics.0.interval': '2m',
    'analysis.metrics.0.threshold': 3,
    'analysis.metrics.0.thresholdRange.min': 1,
    'analysis.metrics.0.thresholdRange.max': 2,
    'analysis.metrics.0.templateRef.name': 'other',
    'analysis.metrics.0.templateRef.namespace': 'other',
    'analysis.metrics.0.templateVariables': { a: 'b' },
    'analysis.alerts.0.name': 'other',
    'analysis.alerts.0.severity': 'error',
    'analysis.alerts.0.providerRef.name': 'other',
    'analysis.alerts.0.providerRef.namespace': 'other',
    'analysis.webhooks.0.name': 'other',
    'analysis.webhooks.0.type': 'rollback',
    'analysis.webhooks.0.muteAlert': true,
    'analysis.webhooks.0.url': 'http://other',
    'analysis.webhooks.0.timeout': '3s',
    'analysis.webhooks.0.retries': 3,
    'analysis.webhooks.0.disableTLS': true,
    'analysis.webhooks.0.metadata': { a: 'b' },
    'analysis.sessionAffinity.cookieName': 'other',
    'analysis.sessionAffinity.primaryCookieName': 'other',
    'analysis.sessionAffinity.domain': 'example',
    'analysis.sessionAffinity.httpOnly': true,
    'analysis.sessionAffinity.maxAge': 5,
    'analysis.sessionAffinity.partitioned': true,
    'analysis.sessionAffinity.path': '/a',
    'analysis.sessionAffinity.sameSite': 'Lax',
    'analysis.sessionAffinity.secure': true,
  },
  ignored: {
    'ingressRef.apiVersion': 'networking.k8s.io/v1',
    'ingressRef.kind': 'Ingress',
    'ingressRef.name': 'a',
    'routeRef.apiVersion': 'apisix.apache.org/v2',
    'routeRef.kind': 'ApisixRoute',
    'routeRef.name': 'a',
    'upstreamRef.apiVersion': 'gloo.solo.io/v1',
    'upstreamRef.kind': 'Upstream',
    'upstreamRef.name': 'a',
    'upstreamRef.namespace': 'b',
    'service.mirror': [{ backendRef: { name: 'a' } }],
    'service.backendTimeout': '1s',
    'service.meshName': 'a',
    'service.backends': ['a'],
    'service.gatewayRefs': [{ name: 'a' }],
  },
}

const base: Fields = {
  targetRef: { kind: 'Deployment', name: 'web' },
  service: { port: 80 },
  analysis: {
    interval: '1m',
    threshold: 5,
    stepWeight: 10,
    metrics: [{ name: 'errors', templateRef: { name: 'errors' } }],
    alerts: [{ name: 'team', providerRef: { name: 'team' } }],
    webhooks: [{ name: 'load', url: 'http://load' }],
    sessionAffinity: { cookieName: 'web' },
  },
}

/** The same with a value at a path; a number is a place in a list. */
function withField(fields: unknown, [key = '', ...rest]: readonly string[], value: unknown): unknown {
  const inner = rest.length === 0 ? value : withField(fieldsAt(fields, key), rest, value)
  if (Array.isArray(fields)) return fields.map((item, index) => (index === Number(key) ? inner : item))
  return { ...fieldsOf(fields), [key]: inner }
}

const fieldsAt = (fields: unknown, key: string): unknown =>
  Array.isArray(fields) ? fields[Number(key)] : fieldsOf(fields)[key]

function outcomeOf(spec: Fields): Outcome {
  if (unsupportedFields(spec).length > 0) return 'refused'
  return JSON.stringify(convertSpec(spec)) === JSON.stringify(convertSpec(base)) ? 'ignored' : 'taken'
}

const named = (path: string): string =>
  path
    .split('.')
    .slice(0, path.startsWith('service.') ? 2 : 1)
    .join('.')

test.each(Object.entries(canaryFields))('fields that are %s', async (outcome, fields) => {
  const found = Object.entries(fields).map(([path, value]) => {
    return [path, outcomeOf(fieldsOf(withField(base, path.split('.'), value)))]
  })
  expect(found).toEqual(Object.keys(fields).map((path) => [path, outcome]))
  const docs = await readFile(new URL('../../docs/flagger.md', import.meta.url), 'utf8')
  const isNamed = (path: string): boolean =>
    docs.includes(`\`${named(path)}\``) || docs.includes(`\`${named(path).replace('service.', '')}\``)
  const silent = outcome === 'taken' ? [] : Object.keys(fields).filter((path) => !isNamed(path))
  expect(silent).toEqual([])
})

test('a pair of cases that depend on others', () => {
  const analysis = fieldsOf(base.analysis)
  const inline = { ...base, analysis: { ...analysis, metrics: [{ name: 'errors', query: 'up' }] } }
  expect(unsupportedFields(inline)).toEqual(['analysis.metrics[0].query'])
  const tested = { ...base, analysis: { ...analysis, iterations: 3, match: [one] } }
  expect(fieldsOf(convertSpec(tested).analysis)).toMatchObject({ iterations: 3, match: [one] })
})

test('every field of a MetricTemplate is taken', () => {
  const spec = {
    provider: {
      type: 'prometheus',
      address: 'http://prometheus',
      headers: { a: ['b'] },
      secretRef: { name: 'a' },
      region: 'eu',
      insecureSkipVerify: true,
    },
    query: 'up',
  }
  const template = { apiVersion: 'flagger.app/v1beta1', kind: 'MetricTemplate', metadata: { name: 'a' }, spec }
  expect(convertTemplate(template as never).spec).toEqual(spec)
})
