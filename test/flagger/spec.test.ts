import { describe, expect, test } from 'vitest'
import { canarySpecSchema } from '../../src/api/index.ts'
import { convertSpec, unsupportedFields } from '../../src/flagger/spec.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE']
const failing = { onNoData: 'fail', onQueryError: 'fail', onProviderDown: 'fail' }

const flagger = (analysis: object, spec: object = {}) => ({
  targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'podinfo' },
  service: { port: 9898 },
  analysis: { interval: '1m', threshold: 5, stepWeight: 10, ...analysis },
  ...spec,
})

const converted = (analysis: object, spec?: object) => canarySpecSchema.parse(convertSpec(flagger(analysis, spec)))

const insiders = [{ headers: { 'x-canary': { exact: 'insider' } } }]

describe('a Canary of Flagger', () => {
  test('that moves shares of some requests only does not move shares of all', () => {
    const weighted = canarySpecSchema.safeParse(convertSpec(flagger({ match: insiders })))
    expect(weighted.error?.issues.map(({ path }) => path)).toEqual([['analysis', 'match']])
  })

  test('releases a core Service, and none of Knative', () => {
    const targetRef = { apiVersion: 'v1', kind: 'Service', name: 'podinfo' }
    expect(converted({}, { targetRef }).targetRef).toEqual(targetRef)
    const knative = flagger({}, { targetRef: { ...targetRef, apiVersion: 'serving.knative.dev/v1' } })
    const refusal = canarySpecSchema.safeParse(convertSpec(knative)).error
    expect(refusal?.issues.map(({ path }) => path)).toEqual([['targetRef.apiVersion']])
  })

  test.each([
    ['stepWeightPromotion', { match: insiders, stepWeightPromotion: 20 }],
    ['sessionAffinity', { sessionAffinity: { cookieName: 'c' } }],
  ])('does without %s where nothing moves by weights', (field, analysis) => {
    expect(converted({ stepWeight: undefined, iterations: 2, ...analysis }).analysis).not.toHaveProperty(field)
  })

  test('keeps what both have, and gets what Flagger does where nothing is said', () => {
    const { analysis, service, ...spec } = converted({
      maxWeight: 50,
      primaryReadyThreshold: 80,
      metrics: [{ name: 'request-success-rate', thresholdRange: { min: 99 }, interval: '1m' }],
      webhooks: [
        { name: 'load-test', url: 'http://flagger-loadtester.test/', timeout: '5s', metadata: { cmd: 'hey' } },
      ],
    })
    expect(spec).toMatchObject({ progressDeadlineSeconds: 600, skipAnalysis: false, suspend: false })
    expect(service).toEqual({ port: 9898, portName: 'http' })
    expect(analysis).toEqual({
      interval: '1m',
      threshold: 5,
      primaryReadyThreshold: 80,
      canaryReadyThreshold: 100,
      mirror: false,
      mirrorWeight: 100,
      mirrorMethods: METHODS,
      mirrorIterations: 1,
      stepWeight: 10,
      maxWeight: 50,
      guard: { enabled: false, errorShare: 0.2, minRequests: 10 },
      metrics: [{ name: 'request-success-rate', interval: '1m', thresholdRange: { min: 99 }, ...failing }],
      webhooks: [
        {
          name: 'load-test',
          type: 'rollout',
          url: 'http://flagger-loadtester.test/',
          timeout: '5s',
          retries: 0,
          metadata: { cmd: 'hey' },
        },
      ],
      alerts: [],
    })
  })

  test.each([
    ['an interval below its floor', { interval: '3s' }, { interval: '10s' }],
    ['an interval that is none', { interval: 'soon' }, { interval: '60s' }],
    ['no interval', { interval: undefined }, { interval: '60s' }],
    ['a threshold of 0', { threshold: 0 }, { threshold: 1 }],
    ['no largest weight', {}, { stepWeight: 10, maxWeight: 100 }],
    ['a step larger than the largest weight', { stepWeight: 60, maxWeight: 50 }, { stepWeight: 50, maxWeight: 50 }],
    [
      'a list of weights',
      { stepWeight: undefined, stepWeights: [1, 50, 200], maxWeight: 5 },
      { stepWeights: [1, 50, 100] },
    ],
    ['mirroring', { mirror: true, mirrorWeight: 20 }, { mirror: true, mirrorWeight: 20, mirrorMethods: METHODS }],
    ['blue/green', { stepWeight: undefined, iterations: 10 }, { iterations: 10, mirror: false }],
    [
      'A/B',
      { stepWeight: undefined, iterations: 10, match: [{ headers: { 'x-canary': { exact: 'insider' } } }] },
      { iterations: 10, match: [{ headers: { 'x-canary': { exact: 'insider' } } }] },
    ],
    [
      'sticky users',
      { sessionAffinity: { cookieName: 'c', maxAge: 60 } },
      { sessionAffinity: { cookieName: 'c', maxAge: 60 } },
    ],
    ['a return by steps', { stepWeightPromotion: 20 }, { stepWeightPromotion: 20 }],
    [
      'an alert without severity',
      { alerts: [{ name: 'a', providerRef: { name: 'slack' }, severity: '' }] },
      {
        alerts: [{ name: 'a', severity: 'info', providerRef: { name: 'slack' } }],
      },
    ],
  ])('%s', (_, analysis, expected) => {
    expect(converted(analysis).analysis).toMatchObject(expected)
  })

  test.each([
    ['whole', {}, { uri: { exact: '/a' }, headers: { beta: { exact: 'b' } } }],
    ['by its headers beside the match of the route', { match: [{ port: 80 }] }, { headers: { beta: { exact: 'b' } } }],
  ])('an A/B test matches %s', (_, service, expected) => {
    const match = [{ uri: { exact: '/a' }, headers: { beta: { exact: 'b' } } }]
    const analysis = { stepWeight: undefined, iterations: 2, match }
    expect(converted(analysis, { service: { port: 80, ...service } }).analysis.match).toEqual([expected])
  })

  test.each([
    [
      'routes',
      {
        match: [{ uri: { prefix: '/shop' }, withoutHeaders: { 'x-old': {} } }],
        headers: { request: { set: { 'x-by': 'mesh' }, remove: ['x-a'] }, response: { add: { 'x-b': 'c' } } },
      },
    ],
    ['a delegate', { delegation: true }],
  ])('%s as they are', (_, service) => {
    expect(converted({}, { service: { port: 80, ...service } }).service).toEqual({
      port: 80,
      portName: 'http',
      ...service,
    })
  })

  test.each([
    ['a rewrite', { rewrite: { uri: '/', authority: '', type: 'ReplaceFullPath' } }, { rewrite: { uri: '/' } }],
    [
      'the deprecated origins',
      { corsPolicy: { allowOrigin: ['*'], allowOrigins: [{ prefix: 'https://' }], maxAge: '24h' } },
      { corsPolicy: { allowOrigins: [{ prefix: 'https://' }, { exact: '*' }], maxAge: '24h' } },
    ],
    [
      'what says nothing',
      { match: [], rewrite: {}, headers: {}, corsPolicy: {}, mirror: [{ backendRef: { name: 'a' } }] },
      {},
    ],
  ])('%s in the words of Istio', (_, service, expected) => {
    expect(converted({}, { service: { port: 80, ...service } }).service).toEqual({
      port: 80,
      portName: 'http',
      ...expected,
    })
  })

  test.each([
    [{ name: 'request-success-rate', threshold: 99 }, { min: 99 }],
    [{ name: 'request-duration', threshold: 500 }, { max: 500 }],
    [{ name: 'request-success-rate' }, { min: 0 }],
    [{ name: 'request-duration', thresholdRange: {} }, { max: 0 }],
  ])('the deprecated limit of %j', (metric, thresholdRange) => {
    expect(converted({ metrics: [metric] }).analysis.metrics).toEqual([
      { name: metric.name, interval: '1m', thresholdRange, ...failing },
    ])
  })

  test.each([
    [undefined, true],
    [false, false],
    [true, true],
  ])('gives its workload back when it is deleted, unless told otherwise: %s', (revertOnDeletion, expected) => {
    expect(converted({}, { revertOnDeletion }).revertOnDeletion).toBe(expected)
  })

  test.each([
    [{ service: { port: 80, delegation: false, match: [] } }, []],
    [{ analysis: { metrics: [{ name: 'a', query: 'up' }] } }, ['analysis.metrics[0].query']],
    [{ service: { port: 80, trafficPolicy: { tls: { mode: 'DISABLE' } }, apex: { labels: {} } } }, []],
  ])('what can not be done for it is named: %j', (spec, fields) => {
    expect(unsupportedFields({ ...flagger({}), ...spec })).toEqual(fields)
  })

  test.each([
    ['provider', { provider: 'nginx' }],
    ['targetRef.kind', { targetRef: { apiVersion: 'serving.knative.dev/v1', kind: 'Revision', name: 'x' } }],
  ])('what Sluice has no word for is refused by its path: %s', (path, spec) => {
    const parsed = canarySpecSchema.safeParse(convertSpec(flagger({}, spec)))
    expect(parsed.error?.issues[0]?.path.join('.')).toBe(path)
  })
})
