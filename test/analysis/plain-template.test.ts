import { expect, test } from 'vitest'
import { renderPlainQuery } from '../../src/analysis/plain-template.ts'
import { failure, success } from '../../src/base/index.ts'

const values = {
  subject: { canary: 'shop', namespace: 'prod', target: 'web-canary', primary: 'web-primary', service: 'web' },
  interval: '60s',
  variables: { ok: 'v1.2:a_b', quote: "x' OR 1=1", comment: 'a--b', regex: '5..|4..', flux: `\${secret}` },
}
const window = { startMs: 1_000.5, endMs: 2_000.5 }
const refused = (name: string) =>
  failure(`the value of ${name} must be a name or a number: outside PromQL nothing is escaped`)

test.each([
  [
    "FROM T WHERE app = '{{ target }}' SINCE {{ windowStart }} UNTIL {{ windowEnd }}",
    success("FROM T WHERE app = 'web-canary' SINCE 1000 UNTIL 2001"),
  ],
  [
    '{"term":{"ns":"{{ namespace }}"}} {{ variables.ok }} -{{ interval }}',
    success('{"term":{"ns":"prod"}} v1.2:a_b -60s'),
  ],
  ["'{{ variables.quote }}'", refused('variables.quote')],
  ['{{ variables.comment }}', refused('variables.comment')],
  ['"{{ variables.regex }}"', refused('variables.regex')],
  ['"{{ variables.flux }}"', refused('variables.flux')],
  ['{{ variables.none }}', failure('the query needs the variable none: set it in templateVariables of the metric')],
])('%s', (query, expected) => {
  expect(renderPlainQuery(query, values, window)).toEqual(expected)
})
