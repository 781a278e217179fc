import type { BadObject } from './bad-object.ts'
import { rawCanary } from './raw-canary.ts'

const inService = (rule: string, service: object, field: string, message: string): BadObject => ({
  rule,
  resource: 'canaries',
  object: { ...rawCanary({ spec: { service: { port: 80, ...service } }, analysis: { mirror: false } }) },
  field: `spec.service.${field}`,
  message,
})

const abTest = { stepWeight: undefined, iterations: 2 }
const inTest = (rule: string, match: object, field: string, message: string): BadObject => ({
  rule,
  resource: 'canaries',
  object: { ...rawCanary({ analysis: { ...abTest, match: [match] } }) },
  field: `spec.analysis.${field}`,
  message,
})

const twice = { exact: 'a', prefix: 'b' }
const exactlyOne = 'exactly one of exact, prefix, suffix and regex must be set'
const atMostOne = 'at most one of exact, prefix, suffix and regex may be set; none asks for presence'

export const badRouting: readonly BadObject[] = [
  ...(['uri', 'scheme', 'method', 'authority'] as const).map((name) =>
    inService(`a ${name} that matches in two ways`, { match: [{ [name]: twice }] }, `match[0].${name}`, exactlyOne),
  ),
  ...(['headers', 'withoutHeaders', 'queryParams'] as const).map((name) =>
    inService(
      `a route whose ${name} match in two ways`,
      { match: [{ [name]: { beta: twice } }] },
      `match[0].${name}[beta]`,
      atMostOne,
    ),
  ),
  ...(['uri', 'scheme', 'method', 'authority'] as const).map((name) =>
    inTest(`a tested ${name} that matches in two ways`, { [name]: twice }, `match[0].${name}`, exactlyOne),
  ),
  inTest(
    'a header that must not match in two ways',
    { withoutHeaders: { beta: twice } },
    'match[0].withoutHeaders[beta]',
    atMostOne,
  ),
  {
    rule: 'an A/B test by a path on a route by a path',
    resource: 'canaries',
    object: {
      ...rawCanary({
        spec: { service: { port: 80, match: [{ uri: { prefix: '/a' } }] } },
        analysis: { ...abTest, match: [{ uri: { prefix: '/a/b' } }] },
      }),
    },
    field: 'spec.analysis',
    message:
      'each of uri, scheme, method, authority, port, sourceNamespace, gateways may be named by service.match or by analysis.match, not by both',
  },
  inService(
    'an origin that matches in two ways',
    { corsPolicy: { allowOrigins: [twice] } },
    'corsPolicy.allowOrigins[0]',
    exactlyOne,
  ),
  inService('a rewrite of nothing', { rewrite: {} }, 'rewrite', 'uri or authority must say what is rewritten'),
  inService(
    'a delegate with hosts',
    { delegation: true, hosts: ['shop.example'] },
    'delegation',
    'hosts and gateways belong to the VirtualService that delegates: leave them out',
  ),
  {
    rule: 'a route of which nothing can be mirrored',
    resource: 'canaries',
    object: { ...rawCanary({ spec: { service: { port: 80, match: [{ method: { regex: 'POST|PUT' } }] } } }) },
    field: 'spec.analysis',
    message: 'service.match takes none of the mirrorMethods, so nothing can be mirrored: set mirror to false',
  },
]
