import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { Telemetry } from '../../../src/api/index.ts'
import { analyze, checkObject, translate } from '../../../src/mesh/istio/index.ts'
import type { ProxyTelemetry, TelemetryDefaults } from '../../../src/mesh/model/index.ts'
import { acceptedExpressions, refusedExpressions } from '../../support/cel-expressions.ts'
import { shopOf, telemetryOf } from '../../support/mesh-objects.ts'

type Spec = NonNullable<Telemetry['spec']>

const shop = shopOf()
const envoy = { providers: [{ name: 'envoy' }] }
const failures = { filter: { expression: 'response.code >= 500' } }
const root = { namespace: 'istio-system' }
const ofClient = { selector: { matchLabels: { app: 'client' } } }
const quiet: TelemetryDefaults = { accessLog: false }
const loud: TelemetryDefaults = { accessLog: true, tracingProvider: 'zipkin' }

const proxiesWith = (telemetries: readonly Telemetry[], defaults: TelemetryDefaults) =>
  translate({ ...shop, telemetries }, defaults)

/** What the first pod of the name tells. */
const toldBy = (
  telemetries: readonly Telemetry[],
  { defaults = loud, pod = 'client-0' }: { readonly defaults?: TelemetryDefaults; readonly pod?: string } = {},
): ProxyTelemetry | undefined =>
  proxiesWith(telemetries, defaults).proxies.find(({ id }) => id.includes(`~${pod}.`))?.telemetry

const clientOf = (spec: Spec, defaults?: TelemetryDefaults) =>
  toldBy([telemetryOf('one', spec)], { ...(defaults === undefined ? {} : { defaults }) })?.client

describe('for whom', () => {
  const named = (name: string, percent: number, rest: Partial<Telemetry['metadata']> = {}, selects: Spec = {}) =>
    telemetryOf(name, { ...selects, tracing: [{ randomSamplingPercentage: percent }] }, rest)
  const old = { creationTimestamp: '2029-01-01T00:00:00Z' }
  const cases: readonly (readonly [string, readonly Telemetry[], readonly string[], number | undefined])[] = [
    ['nobody', [], [], undefined],
    ['the mesh', [named('mesh', 1, root)], ['istio-system/mesh'], 1],
    ['the namespace before the mesh', [named('own', 2), named('mesh', 1, root)], ['istio-system/mesh', 'shop/own'], 2],
    ['a workload before all', [named('app', 3, {}, ofClient), named('own', 2)], ['shop/own', 'shop/app'], 3],
    ['another namespace', [named('far', 4, { namespace: 'far' })], [], undefined],
    ['workloads of the root namespace alone', [named('mesh', 1, root, ofClient)], [], undefined],
    ['the oldest for a namespace', [named('young', 5), named('old', 6, old)], ['shop/old'], 6],
    [
      'the youngest for a workload before the others',
      [named('young', 7, {}, ofClient), named('old', 8, old, ofClient)],
      ['shop/old', 'shop/young'],
      7,
    ],
  ]
  test.each(cases)('%s', (_, telemetries, origins, percent) => {
    const told = toldBy(telemetries)
    expect([(told?.origins ?? []).map(({ namespace, name }) => `${namespace}/${name}`)]).toEqual([origins])
    expect(told?.client.tracing?.samplePercent).toBe(percent)
  })

  test('pods of which the same is said share it, gateways too', () => {
    const { proxies } = proxiesWith([named('own', 2)], loud)
    expect(new Set(proxies.map(({ telemetry }) => telemetry)).size).toBe(1)
    expect(proxies).toHaveLength(4)
  })
})

describe('traces', () => {
  test('each field comes from the last entry that has it, tags as a whole', () => {
    const tag = (value: string) => ({ literal: { value } })
    const telemetries = [
      telemetryOf(
        'mesh',
        { tracing: [{ randomSamplingPercentage: 5, customTags: { a: tag('1'), b: tag('2') } }] },
        root,
      ),
      telemetryOf('own', {
        tracing: [
          { match: { mode: 'CLIENT' }, useRequestIdForTraceSampling: false },
          {
            match: { mode: 'SERVER' },
            disableSpanReporting: true,
            customTags: {
              user: { header: { name: 'end-user', defaultValue: 'nobody' } },
              host: { environment: { name: 'HOSTNAME' } },
            },
          },
        ],
      }),
    ]
    const literals = [
      { name: 'a', kind: 'literal', value: '1' },
      { name: 'b', kind: 'literal', value: '2' },
    ]
    expect(toldBy(telemetries)).toMatchObject({
      client: { tracing: { isReported: true, samplePercent: 5, tags: literals, ignoresRequestId: true } },
      server: {
        tracing: {
          isReported: false,
          samplePercent: 5,
          tags: [
            { name: 'host', kind: 'environment', of: 'HOSTNAME' },
            { name: 'user', kind: 'header', of: 'end-user', otherwise: 'nobody' },
          ],
        },
      },
    })
  })

  const findings = (telemetries: readonly Telemetry[], defaults: TelemetryDefaults) =>
    proxiesWith(telemetries, defaults).findings.map(({ reason, message }) => `${reason} ${message}`)

  test('a collector that there is not gets none, and the rest is in force', () => {
    const spec = { tracing: [{ providers: [{ name: 'jaeger' }] }], accessLogging: [{ disabled: true }] }
    expect(clientOf(spec)).toEqual({ accessLog: { isWritten: false }, tracing: { isReported: false, tags: [] } })
    expect(clientOf({ tracing: [{ providers: [{ name: 'zipkin' }] }] })?.tracing?.isReported).toBe(true)
    expect(clientOf(spec, quiet)).toEqual({ accessLog: { isWritten: false } })
    expect(findings([telemetryOf('one', spec)], loud)).toEqual([
      'ProviderNotFound spec.tracing[0].providers[0].name: there is no jaeger, so that no span is sent: this mesh sends them to zipkin',
    ])
    expect(findings([telemetryOf('one', spec)], quiet)).toEqual([
      'ProviderNotFound spec.tracing[0]: proxies send no spans: start the mesh with --zipkin or --otlp (chart: mesh.tracing)',
    ])
    expect(findings([telemetryOf('one', { tracing: [{ disableSpanReporting: true }] })], quiet)).toEqual([])
  })

  test('an access log that nobody names a provider of is told', () => {
    const own = telemetryOf('own', { accessLogging: [{ disabled: true }, failures] })
    expect(findings([own], loud)).toEqual([])
    expect(findings([own], quiet)).toEqual([
      'ProviderNotFound spec.accessLogging[1]: names no provider, and proxies write no access log by themselves: write providers: [{ name: envoy }]',
    ])
    expect(findings([own, telemetryOf('mesh', { accessLogging: [envoy] }, root)], quiet)).toEqual([])
  })
})

describe('access logs', () => {
  const off = { isWritten: false }
  const on = { isWritten: true }
  const filtered = { isWritten: true, filter: 'response.code >= 500' }
  const disabled = { disabled: true }
  const server = { match: { mode: 'SERVER' } }
  const cases: readonly (readonly [string, Spec['accessLogging'], TelemetryDefaults, object | undefined])[] = [
    ['nothing is said', [], loud, undefined],
    ['where all write them', [disabled], loud, off],
    ['with a filter', [failures], loud, filtered],
    ['by a provider', [envoy], quiet, on],
    ['by a provider, with a filter', [{ ...envoy, ...failures }], quiet, filtered],
    ['without a provider', [failures], quiet, off],
    ['of the other side', [{ ...envoy, ...server }], quiet, off],
    ['of the other side, where all write them', [{ ...disabled, ...server }], loud, on],
    ['a filter stays where nobody says more', [{ ...envoy, ...failures }, {}], quiet, filtered],
    ['a filter ends where the provider is named anew', [{ ...envoy, ...failures }, envoy], quiet, on],
    ['off and on again', [disabled, failures], loud, filtered],
  ]
  test.each(cases)('%s', (_, accessLogging = [], defaults, expected) => {
    const told = clientOf({ accessLogging, metrics: [{ overrides: [{ disabled: true }] }] }, defaults)
    expect(told?.accessLog).toEqual(expected)
  })
})

describe('metrics', () => {
  const total = { metric: 'REQUEST_COUNT' }
  test('an override is for one metric of one side, or for all; later ones count before earlier ones', () => {
    const telemetries = [
      telemetryOf('mesh', { metrics: [{ overrides: [{ disabled: true }] }] }, root),
      telemetryOf('own', {
        metrics: [
          {
            providers: [{ name: 'prometheus' }],
            overrides: [
              {
                match: { ...total, mode: 'CLIENT' },
                disabled: false,
                tagOverrides: {
                  response_flags: { operation: 'REMOVE' },
                  method: { value: 'request.method' },
                  port: { operation: 'UPSERT', value: 'string(destination.port)' },
                },
              },
              { match: { ...total, mode: 'CLIENT' }, tagOverrides: { method: { value: "'any'" } } },
            ],
          },
        ],
      }),
    ]
    const told = toldBy(telemetries)
    expect(told?.client.metrics?.[0]).toEqual({
      metric: 'istio_requests_total',
      isCounted: true,
      tags: [
        { name: 'method', kind: 'set', expression: "'any'" },
        { name: 'port', kind: 'set', expression: 'destination.port' },
        { name: 'response_flags', kind: 'remove' },
      ],
    })
    expect(told?.client.metrics?.slice(1).map(({ isCounted }) => isCounted)).toEqual(Array(7).fill(false))
    expect(told?.server.metrics).toHaveLength(8)
    expect(told?.server.metrics?.every(({ isCounted, tags }) => isCounted === false && tags.length === 0)).toBe(true)
  })

  test('what is not said is as usual', () => {
    expect(clientOf({ metrics: [{ overrides: [{ match: { ...total, mode: 'SERVER' }, disabled: true }] }] })).toEqual(
      {},
    )
    expect(clientOf({ metrics: [{}] })).toEqual({})
  })
})

describe('what cannot be carried out', () => {
  const metrics = (override: object) => ({ metrics: [{ overrides: [override] }] })
  const refusals: readonly (readonly [string, object, string])[] = [
    [
      'a provider of logs',
      { accessLogging: [{ providers: [{ name: 'otel' }] }] },
      'must be envoy: this mesh has no other',
    ],
    ['a provider of metrics', { metrics: [{ providers: [{ name: 'otel' }] }] }, 'must be prometheus: this mesh has no'],
    ['two collectors', { tracing: [{ providers: [{ name: 'a' }, { name: 'b' }] }] }, 'must have one entry'],
    ['a share above all', { tracing: [{ randomSamplingPercentage: 101 }] }, 'must be at most 100'],
    [
      'a tag of two kinds',
      { tracing: [{ customTags: { a: {} } }] },
      'must have one of literal, environment and header',
    ],
    ['a header', { tracing: [{ customTags: { a: { header: { name: 'a b' } } } }] }, 'must be the name of a header'],
    ['a metric', metrics({ match: { metric: 'GRPC_REQUEST_MESSAGES' } }), 'proxies do not count GRPC_REQUEST_MESSAGES'],
    ['a label', metrics({ tagOverrides: { 'a-b': { operation: 'REMOVE' } } }), 'must name labels'],
    ['bounds', metrics({ tagOverrides: { le: { operation: 'REMOVE' } } }), 'must name labels'],
    ['no value', metrics({ tagOverrides: { a: {} } }), 'must be given: CEL'],
    ['a value to remove', metrics({ tagOverrides: { a: { operation: 'REMOVE', value: "'a'" } } }), 'is for UPSERT'],
    ['a bare word', metrics({ tagOverrides: { a: { value: 'shop' } } }), 'there is no shop'],
    ['a format', metrics({ tagOverrides: { a: { value: '(1)%2' } } }), 'without % after a parenthesis'],
    ...refusedExpressions.map(([expression, said]) => {
      return [expression, { accessLogging: [{ filter: { expression } }] }, said] as const
    }),
  ]
  test.each(refusals)('%s', (_, spec, said) => {
    const found = checkObject(telemetryOf('one', spec))
    expect(found).toHaveLength(1)
    expect(found[0]?.message).toContain(said)
    const { findings } = proxiesWith([telemetryOf('one', spec)], loud)
    expect(findings).toMatchObject([{ object: { kind: 'Telemetry', name: 'one' }, reason: 'Invalid' }])
  })

  test.each(acceptedExpressions)('%s is carried out', (expression) => {
    expect(checkObject(telemetryOf('one', { accessLogging: [{ filter: { expression } }] }))).toEqual([])
  })
})

test('the sample is carried out whole', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../samples/telemetry/telemetry.yaml'), 'utf8')
  const objects = parseAllDocuments(text).map((document) => document.toJS() as Telemetry)
  expect(objects.map(({ kind }) => kind)).toEqual(['Telemetry', 'Telemetry'])
  expect(analyze(objects).flat()).toEqual([])
  expect(proxiesWith(objects, loud).findings).toEqual([])
})

test('two for the same are told, and one that says nothing', () => {
  const said = { tracing: [{}] }
  const objects = [
    telemetryOf('wide', said),
    telemetryOf('again', said),
    telemetryOf('app', { ...ofClient, ...said }),
    telemetryOf('other', { ...ofClient, ...said }),
    telemetryOf('elsewhere', { metrics: [{}] }, { namespace: 'elsewhere' }),
  ]
  expect(analyze(objects).map((found) => found.map(({ code, path }) => `${code} ${path.join('.')}`))).toEqual([
    [],
    ['PolicyConflict spec'],
    [],
    ['PolicyConflict spec.selector.matchLabels'],
    ['IdlePolicy spec'],
  ])
})
