import { generateKeyPairSync, verify } from 'node:crypto'
import { expect } from 'vitest'
import { answer } from '../../../support/http-server.ts'
import { at, type Dialect, fails, json, reads, TOKEN } from './dialect.ts'

const results = (...each: object[]) => ({ MetricDataResults: each, Messages: [] })
const result = (Timestamps: number[], Values: unknown[], StatusCode = 'Complete') => ({
  Id: 'e1',
  Label: 'errors',
  Timestamps,
  Values,
  StatusCode,
})
const named = { id: 'e1', label: 'errors' }
const queries = [{ Id: 'e1', Expression: 'SUM(METRICS())', ReturnData: true }]

export const cloudwatch: Dialect = {
  title: 'CloudWatch',
  provider: { type: 'cloudwatch', region: 'eu-central-1' },
  secret: { aws_access_key_id: 'AKIDEXAMPLE', aws_secret_access_key: TOKEN },
  query: json(queries),
  question: {
    method: 'POST',
    path: '/',
    headers: {
      'x-amz-target': 'GraniteServiceVersion20100801.GetMetricData',
      'content-type': 'application/x-amz-json-1.0',
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/monitoring\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=[0-9a-f]{64}$/,
      ),
    },
    body: {
      MetricDataQueries: queries,
      StartTime: at(0),
      EndTime: at(60),
      ScanBy: 'TimestampDescending',
      MaxDatapoints: 100,
    },
  },
  answers: {
    value: reads(results(result([at(40), at(20)], [4, 2])), [4, named]),
    empty: reads(results(result([], []))),
    notANumber: reads(results(result([at(40)], []))),
    wrongType: fails(results(result([at(40)], ['x'])), 'provider-down', 'the answer is not that of GetMetricData'),
    garbage: fails('<html>', 'provider-down', 'the answer is not that of GetMetricData'),
    'points in any order': reads(results(result([at(20), at(40)], [2, 4])), [4, named]),
    'a point of before the window is none': reads(results(result([at(-1)], [7]))),
    'a failure inside a 200': fails(
      results(result([], [], 'InternalError')),
      'provider-down',
      'e1 failed inside CloudWatch',
    ),
    'a metric that must not be read': fails(results(result([], [], 'Forbidden')), 'query-error', 'e1 is forbidden'),
  },
  refusal: [
    json({ __type: 'com.amazonaws.cloudwatch#ValidationError', message: 'Error in expression' }),
    ' ValidationError: Error in expression',
  ],
}

const rows = (...each: object[]) => ({ data: { actor: { account: { nrql: { results: each } } } } })

export const newrelic: Dialect = {
  title: 'New Relic',
  provider: { type: 'newrelic' },
  secret: { newrelic_account_id: '1234567', newrelic_query_key: TOKEN },
  query: "SELECT percentage(count(*), WHERE error) FROM Transaction WHERE appName = 'web'",
  question: {
    method: 'POST',
    path: '/graphql',
    headers: { 'api-key': TOKEN, 'content-type': 'application/json' },
    body: {
      query: expect.stringContaining('nrql(query: $nrql) { results }'),
      variables: {
        account: 1_234_567,
        nrql: `SELECT percentage(count(*), WHERE error) FROM Transaction WHERE appName = 'web' SINCE ${at(0) * 1_000} UNTIL ${at(60) * 1_000}`,
      },
    },
  },
  answers: {
    value: reads(rows({ percentage: 1.25 }), [1.25]),
    empty: reads(rows()),
    notANumber: reads(rows({ average: null })),
    wrongType: fails(rows({ uniques: 'web' }), 'query-error', 'the query gives no number but uniques'),
    garbage: fails('{"data":null}', 'provider-down', 'the answer is not that of NerdGraph'),
    'a percentile': reads(rows({ 'percentile.duration': { '99': 0.5 } }), [0.5]),
    'the newest bucket of a series': reads(
      rows(
        { beginTimeSeconds: at(0), endTimeSeconds: at(30), count: 9 },
        { beginTimeSeconds: at(30), endTimeSeconds: at(60), count: 4 },
      ),
      [4],
    ),
    'every facet': reads(
      rows({ facet: 'a', appName: 'a', count: 1 }, { facet: 'b', appName: 'b', count: 2 }),
      [1, { facet: '"a"' }],
      [2, { facet: '"b"' }],
    ),
    'several numbers': fails(rows({ count: 1, average: 2 }), 'query-error', 'the query gives 2 numbers; select one'),
    'an error inside a 200': fails(
      { data: { actor: { account: { nrql: null } } }, errors: [{ message: 'NRQL Syntax Error' }] },
      'query-error',
      'NRQL Syntax Error',
    ),
    'a time-out inside a 200': fails(
      { errors: [{ message: 'took too long', extensions: { errorClass: 'TIMEOUT' } }] },
      'provider-down',
      'took too long',
    ),
  },
  refusal: ['<html>', ''],
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2_048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})

/** The sign-in of a service account at the address of the test server. */
export const serviceAccountKey = (address: string): string =>
  json({
    type: 'service_account',
    client_email: 'sluice@p.iam',
    private_key: privateKey,
    token_uri: `${address.replace(/\/$/, '')}/token`,
  })

const point = (second: number, value: object) => ({
  values: [value],
  timeInterval: { endTime: new Date(at(second) * 1_000).toISOString() },
})
const seriesData = (...pointData: object[]) => ({
  timeSeriesData: [{ labelValues: [{ stringValue: 'a' }], pointData }],
})
const labels = { labels: '[{"stringValue":"a"}]' }

export const stackdriver: Dialect = {
  title: 'Google Cloud Monitoring',
  provider: { type: 'stackdriver' },
  secret: { project: 'my-project' },
  query: 'fetch k8s_container | within 1m',
  question: {
    method: 'POST',
    path: '/v3/projects/my-project/timeSeries:query',
    headers: { authorization: `Bearer ${TOKEN}` },
    body: { query: 'fetch k8s_container | within 1m' },
  },
  answers: {
    value: reads(seriesData(point(50, { doubleValue: 4.5 }), point(20, { doubleValue: 9 })), [4.5, labels]),
    empty: reads({}),
    notANumber: reads(seriesData(point(50, { doubleValue: 'NaN' })), [Number.NaN, labels]),
    wrongType: fails(
      seriesData(point(50, { stringValue: 'x' })),
      'query-error',
      'the query gives values that are no numbers',
    ),
    garbage: fails('<html>', 'provider-down', 'the answer is not that of timeSeries:query'),
    'a whole number': reads(seriesData(point(50, { int64Value: '7' })), [7, labels]),
    'points in any order': reads(seriesData(point(20, { int64Value: '2' }), point(50, { int64Value: '5' })), [
      5,
      labels,
    ]),
    'a point of before the window is none': reads(seriesData(point(-1, { int64Value: '7' }))),
    'a partial answer': fails(
      { timeSeriesData: [], partialErrors: [{ message: 'deadline' }] },
      'provider-down',
      'the answer is incomplete: deadline',
    ),
  },
  refusal: [json({ error: { code: 400, message: 'Line 1: syntax', status: 'INVALID_ARGUMENT' } }), ' Line 1: syntax'],
  before: (path) =>
    path === '/token'
      ? (response, { body }) => {
          const token = isSignedIn(body) ? json({ access_token: TOKEN, expires_in: 3_599 }) : '{}'
          return answer(200, {}, token)(response, { method: '', path, headers: {}, body })
        }
      : undefined,
}

/** What Google checks: the grant, the signature and the claims. */
function isSignedIn(body: string): boolean {
  const form = new URLSearchParams(body)
  const [header = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.')
  const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  const { iss, scope, iat, exp } = decode(claims)
  return (
    form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer' &&
    verify('RSA-SHA256', Buffer.from(`${header}.${claims}`), publicKey, Buffer.from(signature, 'base64url')) &&
    iss === 'sluice@p.iam' &&
    scope === 'https://www.googleapis.com/auth/monitoring.read' &&
    exp - iat === 3_600
  )
}
