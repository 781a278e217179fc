import { describe, expect, test } from 'vitest'
import { createAnalyst, type JobState, type WantedJob } from '../../src/analysis/index.ts'
import { type Metric, type MetricProviderSpec, type MetricTemplate, parseCanary } from '../../src/api/index.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'
import { cloudwatch, newrelic, serviceAccountKey, stackdriver } from '../analysis/providers/dialects/clouds.ts'
import { at, type Dialect, json, WINDOW } from '../analysis/providers/dialects/dialect.ts'
import { elasticsearch, web } from '../analysis/providers/dialects/json-servers.ts'
import { datadog, graphite, influxdb } from '../analysis/providers/dialects/time-series.ts'
import { answer, startServer } from '../support/http-server.ts'
import { rawCanary } from '../support/raw-canary.ts'
import { catalogue } from './catalogue.ts'

type Server = Exclude<MetricProviderSpec['type'], 'prometheus' | 'job' | 'externalmetrics'>

interface Protocol {
  readonly dialect: Dialect
  /** What the server answers when the query comes to this number, or to none. */
  readonly answerOf: (value: number | null) => unknown
  /** The query within what the server received. */
  readonly queryIn: (request: { readonly path: string; readonly body: string }) => unknown
}

const search = (path: string): URLSearchParams => new URL(path, 'http://server').searchParams
const bodyOf = ({ body }: { readonly body: string }) => JSON.parse(body)
const time = (second: number): string => new Date(at(second) * 1_000).toISOString()

const protocols: Readonly<Record<Server, Protocol>> = {
  datadog: {
    dialect: datadog,
    answerOf: (value) => ({ status: 'ok', series: [{ scope: '*', pointlist: [[at(50) * 1_000, value]] }] }),
    queryIn: ({ path }) => search(path).get('query'),
  },
  cloudwatch: {
    dialect: cloudwatch,
    answerOf: (value) => ({
      MetricDataResults: [
        { Id: 'e', Timestamps: value === null ? [] : [at(50)], Values: value === null ? [] : [value] },
      ],
    }),
    queryIn: (request) => json(bodyOf(request).MetricDataQueries),
  },
  newrelic: {
    dialect: newrelic,
    answerOf: (value) => ({ data: { actor: { account: { nrql: { results: [{ success: value }] } } } } }),
    queryIn: (request) => bodyOf(request).variables.nrql,
  },
  graphite: {
    dialect: graphite,
    answerOf: (value) => [{ target: 'all', datapoints: [[value, at(50)]] }],
    queryIn: ({ path }) => search(path).get('target'),
  },
  stackdriver: {
    dialect: stackdriver,
    answerOf: (value) => ({
      timeSeriesData:
        value === null
          ? []
          : [{ pointData: [{ values: [{ doubleValue: value }], timeInterval: { endTime: time(50) } }] }],
    }),
    queryIn: (request) => bodyOf(request).query,
  },
  influxdb: {
    dialect: influxdb,
    answerOf: (value) =>
      value === null ? '\r\n' : `#datatype,string,long,double\r\n,result,table,_value\r\n,_result,0,${value}\r\n\r\n`,
    queryIn: (request) => bodyOf(request).query,
  },
  elasticsearch: {
    dialect: elasticsearch,
    answerOf: (value) => ({
      took: 3,
      timed_out: false,
      _shards: { total: 2, failed: 0 },
      aggregations: { success: { value }, latency: { values: [{ key: 99, value }] } },
    }),
    queryIn: ({ body }) => json(JSON.parse(body)),
  },
  web: { dialect: web, answerOf: (value) => ({ value }), queryIn: ({ path }) => path },
}

interface Row {
  readonly template: string
  readonly passes: number
  readonly fails: number
  /** Parts of the query as the server received it. */
  readonly asked: readonly string[]
}

const rate = { passes: 99.5, fails: 98 } as const
const latency = { passes: 120, fails: 600 } as const
const dimension = '{"Name":"TargetGroup","Value":"targetgroup/web-canary/73e2d6bc24d8a067"}'
const milliseconds = [WINDOW.startMs + 2_250, WINDOW.endMs] as const

const rows: readonly Row[] = [
  {
    template: 'success-rate-datadog',
    ...rate,
    asked: ['sum:trace.http.request.errors{kube_namespace:shop,kube_deployment:web}.as_count()', '100 * (1 - '],
  },
  {
    template: 'latency-quantile-datadog',
    ...latency,
    asked: ['1000 * p99:trace.http.request{kube_namespace:shop,kube_deployment:web}'],
  },
  {
    template: 'success-rate-cloudwatch',
    ...rate,
    asked: ['"MetricName":"HTTPCode_Target_5XX_Count"', '"Value":"app/shop/50dc6c495c0c9188"', dimension],
  },
  { template: 'latency-quantile-cloudwatch', ...latency, asked: ['"Stat":"p99"', dimension] },
  {
    template: 'success-rate-newrelic',
    ...rate,
    asked: ["`k8s.namespaceName` = 'shop' AND `k8s.deploymentName` = 'web' SINCE "],
  },
  { template: 'latency-quantile-newrelic', ...latency, asked: ['percentile(duration * 1000, 99)', "= 'web'"] },
  {
    template: 'success-rate-graphite',
    ...rate,
    asked: ['transformNull(sumSeries(stats.counters.shop.web.status.5*.count)', 'asPercent('],
  },
  { template: 'latency-quantile-graphite', ...latency, asked: ['maxSeries(stats.timers.shop.web.request.upper_99)'] },
  {
    template: 'success-rate-stackdriver',
    ...rate,
    asked: ["destination_workload_namespace = 'shop' && metric.destination_workload_name = 'web'"],
  },
  { template: 'latency-quantile-stackdriver', ...latency, asked: ["_name = 'web'", 'percentile(val(), 99)'] },
  {
    template: 'success-rate-influxdb',
    ...rate,
    asked: ['from(bucket: "shop")', `start: time(v: ${milliseconds[0]}000000)`, 'r.deployment == "web"'],
  },
  { template: 'latency-quantile-influxdb', ...latency, asked: ['r.namespace == "shop"', 'quantile(q: 0.99, '] },
  {
    template: 'success-rate-elasticsearch',
    ...rate,
    asked: [`{"gte":${milliseconds[0]},"lt":${milliseconds[1]},`, '{"kubernetes.deployment.name":"web"}'],
  },
  {
    template: 'latency-quantile-elasticsearch',
    ...latency,
    asked: ['"percents":[99]', '{"kubernetes.namespace":"shop"}'],
  },
  {
    template: 'number-web',
    passes: 25,
    fails: 3,
    asked: [`/numbers/orders?namespace=shop&workload=web&from=${milliseconds[0]}&to=${milliseconds[1]}`],
  },
]

const subject = { canary: 'web', namespace: 'shop', target: 'web', primary: 'web-primary', service: 'web' }

function entryOf(name: string) {
  const entry = catalogue.find((each) => each.name === name)
  if (entry === undefined) throw new Error(`there is no template ${name}`)
  return entry
}

const isServer = (type: MetricProviderSpec['type']): type is Server => Object.hasOwn(protocols, type)

function protocolOf({ spec }: MetricTemplate): Protocol {
  const { type } = spec.provider
  if (!isServer(type)) throw new Error(`${type} has no server here`)
  return protocols[type]
}

/** Asks the template as its example does, of a server that speaks its protocol. */
async function measure(name: string, value: number | null) {
  const { template, example } = entryOf(name)
  const { dialect, answerOf, queryIn } = protocolOf(template)
  const said = answerOf(value)
  const body = typeof said === 'string' ? said : json(said)
  await using server = await startServer((response, request) =>
    (dialect.before?.(request.path) ?? answer(200, {}, body))(response, request),
  )
  const secret = { ...dialect.secret, serviceAccountKey: serviceAccountKey(server.url) }
  const analyst = createAnalyst({
    clock: systemClock,
    log: silentLogger,
    secrets: { read: async ({ namespace }) => (namespace === 'shop' ? secret : undefined) },
  })
  const provider = { ...template.spec.provider, address: server.url }
  const metadata = { ...template.metadata, namespace: 'shop' }
  const check = { metric: example, template: { ...template, metadata, spec: { ...template.spec, provider } } }
  const request = { subject, checks: [check], window: WINDOW, metricsServer: '' }
  const [verdict] = await analyst.measure(request, AbortSignal.timeout(120_000))
  const received = server.requests.at(-1)
  return { verdict, asked: received && queryIn(received) }
}

describe.each(rows)('$template', ({ template, passes, fails, asked }) => {
  test.each([
    { value: passes, expected: { state: 'passed', value: passes } },
    { value: fails, expected: { state: 'failed', value: fails } },
    { value: null, expected: { state: 'no-data' } },
  ])('$value: $expected.state', async ({ value, expected }) => {
    const measured = await measure(template, value)
    expect(measured.verdict).toMatchObject(expected)
    for (const part of asked) expect(measured.asked).toContain(part)
    expect(measured.asked).not.toMatch(/\{\{/)
  })
})

describe('smoke-test-job', () => {
  const { template, example } = entryOf('smoke-test-job')
  const begun: WantedJob[] = []
  const measureJob = async (state: JobState) => {
    const run = async (job: WantedJob) => {
      begun.push(job)
      return state
    }
    const analyst = createAnalyst({ clock: systemClock, log: silentLogger, jobs: { run } })
    const request = { subject, checks: [{ metric: example, template }], window: WINDOW, metricsServer: '' }
    const [verdict] = await analyst.measure(request, AbortSignal.timeout(120_000))
    return verdict
  }

  test.each([
    [
      { kind: 'succeeded', output: '' },
      { state: 'passed', value: 1 },
    ],
    [
      { kind: 'failed', exitCode: 22, output: '' },
      { state: 'failed', value: 0, message: expect.stringMatching(/failed with exit code 22\)$/) },
    ],
    [{ kind: 'timed-out' }, { state: 'provider-down', message: expect.stringMatching(/did not finish within 60s$/) }],
    [{ kind: 'running' }, { state: 'provider-down', isPending: true }],
  ] as const)('$0.kind', async (state, expected) => {
    expect(await measureJob(state)).toMatchObject(expected)
    expect(begun.at(-1)).toMatchObject({
      namespace: 'shop',
      timeoutMs: 60_000,
      spec: { template: { spec: { containers: [{ args: expect.arrayContaining(['http://web-canary.shop:80/']) }] } } },
    })
  })
})

test('every template of another server is here', () => {
  const others = catalogue.filter(({ template }) => template.spec.provider.type !== 'prometheus')
  expect([...rows.map(({ template }) => template), 'smoke-test-job'].sort()).toEqual(
    others.map(({ name }) => name).sort(),
  )
})

test.each(catalogue)('the example of $name fits a Canary', ({ example }) => {
  const metrics: readonly Metric[] = [example]
  expect(parseCanary(rawCanary({ analysis: { metrics } }))).toMatchObject({ ok: true })
})
