import { describe, expect, test } from 'vitest'
import { parseAlertProvider, parseCanary, parseImagePolicy, parseMetricTemplate } from '../../src/api/index.ts'
import { badObjects } from '../support/bad-objects.ts'
import { rawCanary } from '../support/raw-canary.ts'

const parsers = { canaries: parseCanary, alertproviders: parseAlertProvider, metrictemplates: parseMetricTemplate }

describe('the parser repeats the rules of the API server', () => {
  test.each(badObjects)('refuses $rule', ({ resource, object, field, message }) => {
    // The API server puts keys of maps in brackets.
    const path = field.replace(/\[([a-z-]+)\]/, '.$1')
    expect(parsers[resource](object)).toEqual({ ok: false, error: `${path}: ${message}` })
  })
})

test('a Canary is filled with its defaults', () => {
  expect(parseCanary(rawCanary({ analysis: { webhooks: [{ name: 'gate', url: 'https://gate' }] } }))).toEqual({
    ok: true,
    value: {
      apiVersion: 'sluice.dev/v1',
      kind: 'Canary',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        service: { port: 80, portName: 'http' },
        analysis: {
          interval: '30s',
          threshold: 3,
          mirror: true,
          mirrorWeight: 100,
          mirrorMethods: ['GET', 'HEAD', 'OPTIONS'],
          mirrorIterations: 1,
          stepWeight: 10,
          primaryReadyThreshold: 100,
          canaryReadyThreshold: 100,
          webhooks: [{ name: 'gate', type: 'rollout', url: 'https://gate', timeout: '10s', retries: 0 }],
        },
        progressDeadlineSeconds: 600,
        failurePolicy: 'rollback',
        revertOnDeletion: true,
        skipAnalysis: false,
        suspend: false,
      },
    },
  })
})

test('metadata and status pass through', () => {
  const object = {
    ...rawCanary(),
    metadata: { name: 'web', namespace: 'default', uid: 'u', labels: { team: 'a' }, generation: 3 },
    status: { phase: 'Progressing', canaryWeight: 0, conditions: [] },
  }
  const parsed = parseCanary(object)
  expect(parsed.ok && { metadata: parsed.value.metadata, status: parsed.value.status }).toEqual({
    metadata: object.metadata,
    status: object.status,
  })
})

test('every bad field is named at once', () => {
  const parsed = parseCanary(rawCanary({ spec: { service: { port: 0 } }, analysis: { threshold: 0 } }))
  expect(!parsed.ok && parsed.error.split('; ').map((issue) => issue.split(': ')[0])).toEqual([
    'spec.service.port',
    'spec.analysis.threshold',
  ])
})

test('what is no object at all is refused', () => {
  expect([undefined, null, 7, 'text', []].map((value) => parseImagePolicy(value).ok)).toEqual(Array(5).fill(false))
})
