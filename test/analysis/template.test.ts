import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renderQuery } from '../../src/analysis/template.ts'
import { failure, success } from '../../src/base/index.ts'

const values = {
  subject: { canary: 'shop', namespace: 'prod', target: 'web', primary: 'web-primary', service: 'web-svc' },
  interval: '8750ms',
  variables: { codes: '5..|429', limit: '0.95', label: 'le', evil: '1"} or vector(1) #', path: '^\\d+\n$', tick: '`' },
}

describe('a query is filled in', () => {
  test.each([
    ['up', success('up')],
    [
      '{{name}} {{ namespace }} {{target }} {{ service}} [{{ interval }}]',
      failure('the value of service stands outside quotes, so it must be a word or a number'),
    ],
    ['a{n="{{ name }}",s="{{ service }}"}[{{ interval }}]', success('a{n="shop",s="web-svc"}[8750ms]')],
    ['a{code=~"{{ variables.codes }}"}', success('a{code=~"5..|429"}')],
    ['quantile({{ variables.limit }}, sum by ({{ variables.label }}) (a))', success('quantile(0.95, sum by (le) (a))')],
    ['a{b="{{ variables.evil }}"}', success('a{b="1\\"} or vector(1) #"}')],
    ["a{b='{{ variables.path }}'}", success("a{b='^\\\\d+\\n$'}")],
    ['a{b="\\"{{ variables.evil }}"}', success('a{b="\\"1\\"} or vector(1) #"}')],
    [
      "sum(a) # don't {{ target }} mind\n* {{ variables.evil }}",
      failure('the value of variables.evil stands outside quotes, so it must be a word or a number'),
    ],
    [
      'a{b=`{{ variables.tick }}`}',
      failure('the value of variables.tick has a backtick, which its quotes cannot hold'),
    ],
    [
      'a{b="{{ variables.none }}"}',
      failure('the query needs the variable none: set it in templateVariables of the metric'),
    ],
    [
      'a{b="{{ variables.toString }}"}',
      failure('the query needs the variable toString: set it in templateVariables of the metric'),
    ],
    [
      '{{ ingress }}',
      failure(
        '{{ ingress }} is not known in a query: use name, namespace, target, service, interval or variables.NAME',
      ),
    ],
    [
      '{{ if true }}a{{ end }}',
      failure(
        '{{ if true }} is not known in a query: use name, namespace, target, service, interval or variables.NAME',
      ),
    ],
  ])('%s', (query, expected) => {
    expect(renderQuery(query, values)).toEqual(expected)
  })

  test('no value can leave its double quotes', () => {
    const check = (value: string) => {
      const rendered = renderQuery('a{b="{{ variables.x }}"}', { ...values, variables: { x: value } })
      const text = rendered.ok ? rendered.value : ''
      expect(text).toMatch(/^a\{b="(?:[^"\\\n]|\\.)*"\}$/u)
    }
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('\\', '"', '\n', 'n', '{', '}') })), check),
    )
  })
})
