import { at, basic, type Dialect, fails, json, reads, TOKEN } from './dialect.ts'

const series = (...pointlists: unknown[]) => ({
  status: 'ok',
  series: pointlists.map((pointlist, index) => ({ scope: `pod:${index}`, pointlist })),
})

export const datadog: Dialect = {
  title: 'Datadog',
  provider: { type: 'datadog' },
  secret: { datadog_api_key: TOKEN, datadog_application_key: TOKEN },
  query: 'avg:trace.http.request.errors{service:web}',
  question: {
    method: 'GET',
    path: `/api/v1/query?from=${at(0)}&to=${at(60)}&query=avg%3Atrace.http.request.errors%7Bservice%3Aweb%7D`,
    headers: { 'dd-api-key': TOKEN, 'dd-application-key': TOKEN },
  },
  answers: {
    value: reads(
      series([
        [at(10) * 1_000, 9],
        [at(30) * 1_000, 4],
        [at(50) * 1_000, null],
      ]),
      [4, { scope: 'pod:0' }],
    ),
    empty: reads(series()),
    notANumber: reads(series([[at(10) * 1_000, null]])),
    wrongType: fails(
      series([[at(10) * 1_000, 'x']]),
      'provider-down',
      'the answer is not that of the query API of Datadog',
    ),
    garbage: fails('<html>', 'provider-down', 'the answer is not that of the query API of Datadog'),
    'points in any order': reads(
      series([
        [at(40) * 1_000, 4],
        [at(20) * 1_000, 2],
      ]),
      [4, { scope: 'pod:0' }],
    ),
    'a point of before the window is none': reads(series([[at(-1) * 1_000, 7]])),
    'every series, so that none is chosen silently': reads(
      series([[at(10) * 1_000, 1]], [[at(10) * 1_000, 2]]),
      [1, { scope: 'pod:0' }],
      [2, { scope: 'pod:1' }],
    ),
    'an error inside a 200': fails({ status: 'error', error: 'bad rollup' }, 'query-error', 'error: bad rollup'),
  },
  refusal: [json({ errors: ['Rule is not valid', 'again'] }), ' Rule is not valid; again'],
}

const targets = (...datapoints: unknown[]) =>
  datapoints.map((each, index) => ({ target: `t${index}`, datapoints: each }))

export const graphite: Dialect = {
  title: 'Graphite',
  provider: { type: 'graphite' },
  secret: { username: 'user', password: TOKEN },
  query: 'target=asPercent(\n  sumSeries(web.5xx),\n  sumSeries(web.*)\n)&from=-10min',
  question: {
    method: 'GET',
    path: `/render?target=asPercent%28sumSeries%28web.5xx%29%2CsumSeries%28web.*%29%29&from=${at(0)}&until=${at(60)}&format=json`,
    headers: { authorization: basic('user', TOKEN) },
  },
  answers: {
    value: reads(
      targets([
        [9, at(10)],
        [4, at(30)],
        [null, at(50)],
      ]),
      [4, { target: 't0' }],
    ),
    empty: reads(targets()),
    notANumber: reads(targets([[null, at(10)]])),
    wrongType: fails(targets([['x', at(10)]]), 'provider-down', 'the answer is not that of the render API of Graphite'),
    garbage: fails('<html>', 'provider-down', 'the answer is not that of the render API of Graphite'),
    'a point of before the window is none': reads(targets([[7, at(-1)]])),
  },
  refusal: ['Invalid target', ''],
}

const row = (table: number, time: string, value: string) => `,_result,${table},${time},${value}`
const csv = (type: string, ...rows: string[]) =>
  ['#datatype,string,long,dateTime:RFC3339,'.concat(type), ',result,table,_time,_value', ...rows, ''].join('\r\n')

export const influxdb: Dialect = {
  title: 'InfluxDB',
  provider: { type: 'influxdb' },
  secret: { token: TOKEN, org: 'my org' },
  query: 'from(bucket: "b") |> range(start: -1m)',
  question: {
    method: 'POST',
    path: '/api/v2/query?org=my+org',
    headers: { authorization: `Token ${TOKEN}`, accept: 'application/csv' },
    body: {
      query: 'from(bucket: "b") |> range(start: -1m)',
      type: 'flux',
      dialect: { header: true, annotations: ['datatype'] },
    },
  },
  answers: {
    value: reads(
      csv(
        'double',
        row(0, '2026-01-01T00:01:10Z', '9'),
        row(0, '2026-01-01T00:01:30Z', '4.5'),
        row(0, '2026-01-01T00:01:50Z', ''),
      ),
      [4.5],
    ),
    empty: reads('\r\n'),
    notANumber: reads(csv('double', row(0, '2026-01-01T00:01:10Z', 'NaN')), [Number.NaN]),
    wrongType: fails(
      csv('string', row(0, '2026-01-01T00:01:10Z', '"a, ""b"""')),
      'query-error',
      'the query gives a string; it must give numbers',
    ),
    garbage: fails('<html>', 'provider-down', 'the answer is not the CSV of InfluxDB'),
    'an aggregate without a time, as a whole number': reads(
      '#datatype,string,long,long\r\n,result,table,_value\r\n,_result,0,7\r\n\r\n',
      [7],
    ),
    'every table': reads(
      csv('long', row(0, '2026-01-01T00:01:10Z', '1'), row(1, '2026-01-01T00:01:10Z', '2')),
      [1],
      [2],
    ),
    'a point of before the window is none': reads(csv('long', row(0, '2026-01-01T00:00:59Z', '1'))),
    'a table without values': fails(
      '#datatype,string,long,string\r\n,result,table,pod\r\n,_result,0,a\r\n',
      'query-error',
      'the query gives no column _value',
    ),
    'an error inside a 200': fails('error,reference\r\n"out, of memory",897\r\n', 'query-error', 'out, of memory'),
  },
  refusal: [json({ code: 'invalid', message: 'undefined identifier x' }), ' undefined identifier x'],
}
