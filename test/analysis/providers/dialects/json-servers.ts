import { basic, type Dialect, fails, json, reads, TOKEN } from './dialect.ts'

export const web: Dialect = {
  title: 'the web server',
  provider: { type: 'web', jsonPath: 'data.items[-1]["error.rate"]', headers: { 'x-team': ['a', 'b'] } },
  secret: { token: TOKEN },
  query: '/health?app=web',
  question: {
    method: 'GET',
    path: '/health?app=web',
    headers: { authorization: `Bearer ${TOKEN}`, 'x-team': 'a, b', accept: 'application/json' },
  },
  answers: {
    value: reads({ data: { items: [{ 'error.rate': 1 }, { 'error.rate': 0.25 }] } }, [0.25]),
    empty: reads({ data: { items: [] } }),
    notANumber: reads({ data: { items: [{ 'error.rate': 'NaN' }] } }, [Number.NaN]),
    wrongType: fails(
      { data: { items: [{ 'error.rate': true }] } },
      'query-error',
      'the answer has a boolean at data.items[-1]["error.rate"]; it must be a number',
    ),
    garbage: fails('<html>welcome</html>', 'provider-down', 'the answer is not JSON'),
    'a number in quotes': reads({ data: { items: [{ 'error.rate': '1.5e2' }] } }, [150]),
    'null is no value': reads({ data: { items: [{ 'error.rate': null }] } }),
    'an empty text is no 0': fails(
      { data: { items: [{ 'error.rate': '' }] } },
      'query-error',
      'the answer has a string at data.items[-1]["error.rate"]; it must be a number',
    ),
    'a list': fails(
      { data: { items: [{ 'error.rate': [1] }] } },
      'query-error',
      'the answer has a list at data.items[-1]["error.rate"]; it must be a number',
    ),
  },
  refusal: ['{"error":"no such app"}', ''],
}

const found = (more: object) => ({ took: 3, timed_out: false, _shards: { total: 2, failed: 0 }, ...more })

export const elasticsearch: Dialect = {
  title: 'Elasticsearch',
  provider: { type: 'elasticsearch', jsonPath: 'aggregations.rate.value' },
  secret: { username: 'elastic', password: TOKEN },
  query: '{"query":{"match_all":{}},"aggs":{"rate":{"avg":{"field":"failed"}}}}',
  question: {
    method: 'POST',
    path: '/_search?size=0&allow_partial_search_results=false',
    headers: { authorization: basic('elastic', TOKEN), 'content-type': 'application/json' },
    body: { query: { match_all: {} }, aggs: { rate: { avg: { field: 'failed' } } } },
  },
  answers: {
    value: reads(found({ aggregations: { rate: { value: 0.02 } } }), [0.02]),
    empty: reads(found({ aggregations: { rate: { value: null } } })),
    notANumber: reads(found({ aggregations: { rate: { value: 'NaN' } } }), [Number.NaN]),
    wrongType: fails(
      found({ aggregations: { rate: { value: {} } } }),
      'query-error',
      'the answer has a object at aggregations.rate.value; it must be a number',
    ),
    garbage: fails('{"took":1}', 'provider-down', 'the answer is not that of a search'),
    'a search that timed out': fails(
      { ...found({}), timed_out: true },
      'provider-down',
      'the search timed out: its answer is incomplete',
    ),
    'a search without some of its shards': fails(
      { ...found({}), _shards: { total: 2, failed: 1 } },
      'provider-down',
      '1 shards failed: the answer is incomplete',
    ),
  },
  refusal: [
    json({ error: { type: 'parsing_exception', reason: 'unknown query [mach_all]' }, status: 400 }),
    ' unknown query [mach_all]',
  ],
}

const values = (...items: unknown[]) => ({
  kind: 'ExternalMetricValueList',
  apiVersion: 'external.metrics.k8s.io/v1beta1',
  metadata: {},
  items,
})
const item = (value: unknown) => ({
  metricName: 'lag',
  metricLabels: { queue: 'q' },
  timestamp: '2026-01-01T00:01:50Z',
  value,
})

export const externalmetrics: Dialect = {
  title: 'the external metrics API',
  provider: { type: 'externalmetrics' },
  secret: { token: TOKEN },
  query: 'shop/queue_lag?labelSelector=queue%3Dorders',
  question: {
    method: 'GET',
    path: '/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue_lag?labelSelector=queue%3Dorders',
    headers: { authorization: `Bearer ${TOKEN}` },
  },
  answers: {
    value: reads(values(item('1500m')), [1.5, { queue: 'q' }]),
    empty: reads(values()),
    notANumber: fails(values(item('NaN')), 'query-error', 'the value NaN is not a quantity'),
    wrongType: fails(values(item(7)), 'provider-down', 'the answer is not that of the external metrics API'),
    garbage: fails('{"kind":"Status"}', 'provider-down', 'the answer is not that of the external metrics API'),
    'quantities of every scale': reads(
      values(item('2Ki'), item('3k'), item('-1e3'), item('0')),
      [2_048, { queue: 'q' }],
      [3_000, { queue: 'q' }],
      [-1_000, { queue: 'q' }],
      [0, { queue: 'q' }],
    ),
  },
  refusal: [json({ kind: 'Status', code: 404, message: 'no custom metric' }), ' no custom metric'],
}
