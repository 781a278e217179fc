import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { namesIn, renderQuery } from '../../src/analysis/template.ts'
import { resolveVariables } from '../../src/analysis/template-variables.ts'
import { failure, success } from '../../src/base/index.ts'

const values = {
  subject: { canary: 'shop', namespace: 'prod', target: 'web.v1', primary: 'web-primary', service: 'web-svc' },
  interval: '8750ms',
  variables: { codes: '5..|429', limit: '0.95', label: 'le', evil: '1"} or vector(1) #', path: '^\\d+\n$', tick: '`' },
}

const missing = (name: string) => `the query needs the variable ${name}: set it in templateVariables of the metric`

const unknown = (name: string, known: string) => `the variable ${name} is not one of the template: it has ${known}`

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
    ['a{p=~"{{ target }}-.+",q!~ "{{target}}"}', success('a{p=~"web\\\\.v1-.+",q!~ "web\\\\.v1"}')],
    [
      'a{p=~`{{ target }}`,q="{{ target }}",r=~"{{ variables.codes }}"}',
      success('a{p=~`web\\.v1`,q="web.v1",r=~"5..|429"}'),
    ],
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

describe('variables of a template', () => {
  const query = 'a > {{ variables.limit }} and b{c="{{variables.codes}}"}'
  const spec = {
    query,
    variables: [{ name: 'limit' }, { name: 'codes', default: '5..' }, { name: 'path', required: false }],
  }
  const all = { limit: '1', codes: '4..', path: 'x' }
  test.each([
    ['all given', spec, all, success(all)],
    ['defaults', spec, { limit: '1' }, success({ limit: '1', codes: '5..', path: '' })],
    ['given empty', spec, { limit: '', codes: '' }, success({ limit: '', codes: '', path: '' })],
    ['a required one is missing', spec, { codes: '5..' }, failure(missing('limit'))],
    [
      'required in so many words',
      { query: 'a', variables: [{ name: 'x', required: true }] },
      {},
      failure(missing('x')),
    ],
    ['one that is not declared is missing', { query }, { limit: '1' }, failure(missing('codes'))],
    ['none is declared', { query }, { limit: '1', codes: '5' }, success({ limit: '1', codes: '5' })],
    ['a misspelt one', spec, { limits: '1' }, failure(unknown('limits', 'limit, codes, path'))],
    ['one for a query without any', { query: 'up' }, { x: '1' }, failure(unknown('x', 'none'))],
    ['a name of every object', { query: 'up' }, { toString: '1' }, failure(unknown('toString', 'none'))],
  ])('%s', (_, template, given, expected) => {
    expect(resolveVariables(template, given)).toEqual(expected)
  })
})

test('the names that a query uses are told', () => {
  expect(namesIn('a{b="{{ target }}",c="{{service}}"}[{{ interval }}] + {{ variables.name }}')).toEqual([
    'target',
    'service',
  ])
})
