import { at, type Dialect, fails, reads, TOKEN } from './dialect.ts'

const vector = (...result: unknown[]) => ({ status: 'success', data: { resultType: 'vector', result } })
const matrix = (...result: unknown[]) => ({ status: 'success', data: { resultType: 'matrix', result } })

const form = { partial_response: 'false', deny_partial_response: '1' }

const answers = {
  value: reads(vector({ metric: { pod: 'a' }, value: [1, '-7.5e3'] }), [-7_500, { pod: 'a' }]),
  empty: reads(vector()),
  notANumber: reads(
    vector({ metric: {}, value: [1, 'NaN'] }, { metric: {}, value: [1, '+Inf'] }, { metric: {}, value: [1, '-Inf'] }),
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY],
  ),
  wrongType: fails(
    { status: 'success', data: { resultType: 'string', result: [1, 'x'] } },
    'query-error',
    'the query gives a string; it must give a scalar or an instant vector',
  ),
  garbage: fails('<html>welcome</html>', 'provider-down', 'the answer is not that of a Prometheus query API'),
  'a scalar': reads({ status: 'success', data: { resultType: 'scalar', result: [1, '3'] } }, [3]),
  'a native histogram': fails(
    vector({ metric: {}, histogram: [1, {}] }),
    'query-error',
    'the query gives a native histogram; it must give numbers: use histogram_quantile() or histogram_count()',
  ),
  'a partial answer of Thanos': fails(
    { ...vector(), warnings: ['no StoreAPIs matched for this query'] },
    'provider-down',
    'the answer is incomplete: no StoreAPIs matched for this query',
  ),
  'a partial answer of VictoriaMetrics': fails(
    { ...vector(), isPartial: true },
    'provider-down',
    'the answer is incomplete',
  ),
  'a remark about the query': {
    ...reads({ ...vector({ metric: {}, value: [1, '2'] }), warnings: ['PromQL warning: quantile above 1'] }),
    expected: {
      kind: 'samples',
      samples: [{ labels: {}, value: 2 }],
      warnings: ['PromQL warning: quantile above 1'],
    },
  },
} as const satisfies Dialect['answers']

const refusal: Dialect['refusal'] = [
  JSON.stringify({ status: 'error', errorType: 'bad_data', error: 'unexpected end of input' }),
  ' bad_data: unexpected end of input',
]

export const prometheus: Dialect = {
  title: 'Prometheus',
  provider: { type: 'prometheus', headers: { 'X-Scope-OrgID': ['team-a'] } },
  secret: { token: `${TOKEN}\n` },
  query: 'sum(up)',
  question: {
    method: 'POST',
    path: '/api/v1/query',
    headers: { authorization: `Bearer ${TOKEN}`, 'x-scope-orgid': 'team-a' },
    body: { query: 'sum(up)', time: `${at(60)}.000`, ...form },
  },
  answers: {
    ...answers,
    'a range that was not asked for': fails(
      matrix(),
      'query-error',
      'the query gives a matrix; it must give a scalar or an instant vector',
    ),
  },
  refusal,
}

/** The same server asked for a range. */
export const prometheusRange: Dialect = {
  ...prometheus,
  provider: { type: 'prometheus', range: { step: '25s' } },
  secret: { username: 'user', password: TOKEN },
  question: {
    method: 'POST',
    path: '/api/v1/query_range',
    headers: { authorization: `Basic ${Buffer.from(`user:${TOKEN}`).toString('base64')}` },
    body: { query: 'sum(up)', start: `${at(10)}.000`, end: `${at(60)}.000`, step: '25.000', ...form },
  },
  answers: {
    ...answers,
    value: reads(
      matrix({
        metric: { pod: 'a' },
        values: [
          [at(10), '1'],
          [at(35), '2'],
          [at(60), '3'],
        ],
      }),
      [3, { pod: 'a' }],
    ),
    empty: reads(matrix()),
  },
}
