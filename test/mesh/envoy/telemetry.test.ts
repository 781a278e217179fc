import { expect, test } from 'vitest'
import type { Telemetry } from '../../../src/api/index.ts'
import { type Observability, renderMesh, resourceToJson, telemetryDefaults } from '../../../src/mesh/envoy/index.ts'
import { translate } from '../../../src/mesh/istio/index.ts'
import { serviceOf, shopOf, telemetryOf } from '../../support/mesh-objects.ts'

const shop = shopOf()
const db = serviceOf('db', { ports: [{ name: 'tcp-db', port: 5432 }], selector: { app: 'web-primary' } })
const collector = { address: 'collector.example', port: 9411 }
const observability: Observability = {
  accessLog: true,
  tracing: { collector: 'zipkin', address: collector, samplePercent: 1 },
}

type Json = Readonly<Record<string, unknown>>

interface Listener {
  readonly logs: readonly Json[]
  readonly stats: readonly Json[]
  readonly manager: Json
}

/** Loggers of all its chains, by their kinds. */
function listenerOf(
  pod: string,
  direction: 'inbound' | 'outbound',
  spec: Telemetry['spec'] = {},
  tcp = false,
): Listener {
  const objects = { ...shop, services: [...shop.services, db], telemetries: [telemetryOf('one', spec)] }
  const mesh = translate(objects, telemetryDefaults(observability))
  const [, resources = []] = [...renderMesh(mesh, observability)].find(([id]) => id.includes(`~${pod}.`)) ?? []
  const filters = resources
    .filter(({ type, name }) => type === 'listener' && name.startsWith(direction))
    .flatMap((resource) => (resourceToJson(resource) as { filterChains: { filters: Json[] }[] }).filterChains)
    .flatMap((chain) => chain.filters)
    .map((filter) => filter.typedConfig as Json & { accessLog: Json[] })
    .filter((config) => String(config['@type']).includes('TcpProxy') === tcp)
  const [manager] = filters
  if (manager === undefined) throw new Error(`${pod} has no ${direction} listener`)
  const isStats = ({ name }: Json) => name === 'envoy.access_loggers.stats'
  return {
    logs: manager.accessLog.filter((log) => !isStats(log)),
    stats: manager.accessLog.filter(isStats).map(({ typedConfig }) => typedConfig as Json),
    manager,
  }
}

const cel = (expression: string) => ({
  extensionFilter: {
    name: 'envoy.access_loggers.extension_filters.cel',
    typedConfig: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
      expression,
    },
  },
})

test('one side of a workload writes no lines, the other those that its filter lets pass', () => {
  const filter = { expression: 'response.code >= 400' }
  const spec = {
    accessLogging: [
      { match: { mode: 'SERVER' }, disabled: true },
      { match: { mode: 'CLIENT' }, filter },
    ],
  }
  expect(listenerOf('web-primary-0', 'inbound', spec).logs).toEqual([])
  expect(listenerOf('web-primary-0', 'outbound', spec).logs).toMatchObject([{ filter: cel('response.code >= 400') }])
  expect(listenerOf('web-primary-0', 'outbound').logs.map((log) => log.filter)).toEqual([undefined])
  const [line] = listenerOf('web-primary-0', 'inbound', { accessLogging: [{ filter }] }, true).logs
  expect(line?.filter).toMatchObject({ andFilter: { filters: [{ logTypeFilter: {} }, cel('response.code >= 400')] } })
})

test('spans have the tags and the share that are said, or there are none', () => {
  const spec = {
    tracing: [
      { match: { mode: 'SERVER' }, disableSpanReporting: true },
      {
        match: { mode: 'CLIENT' },
        randomSamplingPercentage: 42,
        useRequestIdForTraceSampling: false,
        customTags: {
          a: { literal: { value: 'b' } },
          c: { environment: { name: 'D' } },
          e: { header: { name: 'f', defaultValue: 'g' } },
        },
      },
    ],
  }
  expect(listenerOf('web-primary-0', 'inbound', spec).manager.tracing).toBeUndefined()
  const { tracing, requestIdExtension } = listenerOf('web-primary-0', 'outbound', spec).manager
  expect(tracing).toMatchObject({
    randomSampling: { value: 42 },
    provider: { name: 'envoy.tracers.zipkin' },
    customTags: [
      { tag: 'a', literal: { value: 'b' } },
      { tag: 'c', environment: { name: 'D' } },
      { tag: 'e', requestHeader: { name: 'f', defaultValue: 'g' } },
    ],
  })
  expect(requestIdExtension).toMatchObject({ typedConfig: { useRequestIdForTraceSampling: false } })
  const usual = listenerOf('web-primary-0', 'outbound').manager
  expect(usual.tracing).toMatchObject({ randomSampling: { value: 1 } })
  expect(usual.requestIdExtension).toBeUndefined()
})

interface Stat {
  readonly stat: {
    readonly name: string
    readonly tags: readonly { readonly name: string; readonly valueFormat: string }[]
  }
}

const namesIn = (stats: readonly Json[]): readonly string[] =>
  stats
    .flatMap(({ counters = [], histograms = [] }) => [...(counters as Stat[]), ...(histograms as Stat[])])
    .map(({ stat }) => stat.name)

const tagsIn = (stats: readonly Json[], metric: string) =>
  stats
    .flatMap(({ counters = [], histograms = [] }) => [...(counters as Stat[]), ...(histograms as Stat[])])
    .find(({ stat }) => stat.name === metric)
    ?.stat.tags.map(({ name, valueFormat }) => [name, valueFormat])

const orUnknown = (param: string): string =>
  `%COALESCE(${JSON.stringify({
    operators: [
      { command: 'CEL', param },
      { command: 'METADATA', param: 'LISTENER:mesh:unknown' },
    ],
  })})%`

const override = (said: object) => ({ metrics: [{ overrides: [said] }] })

test('metrics are counted or not', () => {
  const of = (said: object, tcp = false) => namesIn(listenerOf('web-primary-0', 'inbound', override(said), tcp).stats)
  expect(of({})).toEqual(['istio_requests_total', 'istio_request_duration_milliseconds'])
  expect(of({ match: { metric: 'REQUEST_DURATION' }, disabled: true })).toEqual(['istio_requests_total'])
  expect(of({ match: { metric: 'RESPONSE_SIZE' }, disabled: false })).toEqual([
    'istio_requests_total',
    'istio_request_duration_milliseconds',
    'istio_response_bytes',
  ])
  expect(of({ disabled: true })).toEqual([])
  expect(of({ disabled: true }, true)).toEqual([])
  expect(of({ match: { metric: 'TCP_SENT_BYTES' }, disabled: true }, true)).toEqual([
    'istio_tcp_connections_opened_total',
    'istio_tcp_connections_closed_total',
    'istio_tcp_received_bytes_total',
  ])
})

test('labels are taken away, replaced where they are, and added at the end, of one metric', () => {
  const said = override({
    match: { metric: 'REQUEST_COUNT' },
    tagOverrides: {
      response_flags: { operation: 'REMOVE' },
      request_protocol: { operation: 'REMOVE' },
      source_version: { value: "'none'" },
      method: { value: 'request.method' },
    },
  })
  const { stats } = listenerOf('web-primary-0', 'inbound', said)
  const usual = tagsIn(listenerOf('web-primary-0', 'inbound').stats, 'istio_requests_total') ?? []
  expect(tagsIn(stats, 'istio_request_duration_milliseconds')).toEqual(usual)
  expect(tagsIn(stats, 'istio_requests_total')).toEqual([
    ...usual
      .filter(([name]) => name !== 'response_flags' && name !== 'request_protocol')
      .map(([name, format]) => [name, name === 'source_version' ? orUnknown("'none'") : format]),
    ['method', orUnknown('request.method')],
  ])
})
