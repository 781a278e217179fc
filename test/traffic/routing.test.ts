import { describe, expect, test } from 'vitest'
import type { Canary, HttpRoute, VirtualService } from '../../src/api/index.ts'
import type { Traffic } from '../../src/traffic/index.ts'
import { renderReleased } from '../../src/traffic/release.ts'
import { readTraffic, renderVirtualService } from '../../src/traffic/translate.ts'
import { buildCanary } from '../support/canary-objects.ts'

const names = { apex: 'web', primary: 'web-primary', canary: 'web-canary' }
const weighted: Traffic = { primary: 80, canary: 20, mirror: 0 }
const abTest = { stepWeight: undefined, maxWeight: undefined, iterations: 2, mirror: false }
const beta = { analysis: { ...abTest, match: [{ headers: { 'x-user': { exact: 'beta' } } }] } }
const sticky = { analysis: { sessionAffinity: { cookieName: 'seen', primaryCookieName: 'old' } } }
const holds = (name: string) => ({ cookie: { regex: `(.*;\\s*)?${name}=v1(;.*)?` } })

const policies = {
  rewrite: { uri: '/', authority: 'shop.internal' },
  headers: { request: { set: { 'x-by': 'mesh' }, remove: ['x-a'] }, response: { add: { 'x-b': 'c' } } },
  corsPolicy: { allowOrigins: [{ exact: 'https://a.example' }], allowMethods: ['GET'], maxAge: '24h' },
}

const rulesOf = (canary: Canary, traffic: Traffic, existing?: VirtualService): readonly HttpRoute[] =>
  renderVirtualService(canary, traffic, existing).spec.http ?? []

const matchesOf = (rules: readonly HttpRoute[]) => rules.map(({ name, match }) => [name, match])

/** What traffic there is, and the rules that it has. */
const ways: readonly (readonly [string, object, Traffic, readonly string[]])[] = [
  ['weights', {}, weighted, ['split']],
  ['mirroring', {}, { primary: 100, canary: 0, mirror: 50 }, ['mirrored', 'split']],
  ['an A/B test', beta, { primary: 0, canary: 100, mirror: 0, matching: true }, ['matched', 'split']],
  ['sticky users', sticky, { ...weighted, session: 'v1' }, ['kept-canary', 'kept-primary', 'split']],
]

describe.each(ways)('with %s', (_, overrides, traffic, rules) => {
  test('every rule rewrites, edits headers and answers for other sites', () => {
    const canary = buildCanary({ ...overrides, service: policies })
    const written = renderVirtualService(canary, traffic, undefined)
    expect(
      written.spec.http?.map(({ name, rewrite, headers, corsPolicy }) => [name, { rewrite, headers, corsPolicy }]),
    ).toEqual(rules.map((name) => [name, policies]))
    expect(readTraffic(written, names)).toEqual(traffic)
    expect(renderVirtualService(canary, traffic, written)).toEqual(written)
  })

  test('no rule takes a request that service.match does not', () => {
    const canary = buildCanary({ ...overrides, service: { match: [{ uri: { prefix: '/shop' } }] } })
    const written = renderVirtualService(canary, traffic, undefined)
    const uris = written.spec.http?.map(({ match }) => match?.map(({ uri }) => uri))
    expect(uris).toEqual(rules.map(() => [{ prefix: '/shop' }]))
    expect(readTraffic(written, names)).toEqual(traffic)
  })
})

describe('service.match', () => {
  const match = [{ uri: { prefix: '/shop' }, headers: { 'X-User': { regex: '.+' }, 'x-api': {} } }, { port: 80 }]
  const [shop, ofPort] = [{ uri: { prefix: '/shop' } }, { port: 80 }]
  const served = { 'X-User': { regex: '.+' }, 'x-api': {} }

  test('is met beside each item of analysis.match, whose headers count where both have one', () => {
    expect(matchesOf(rulesOf(buildCanary({ ...beta, service: { match } }), { ...weighted, matching: true }))).toEqual([
      [
        'matched',
        [
          { ...shop, headers: { 'x-api': {}, 'x-user': { exact: 'beta' } } },
          { ...ofPort, headers: { 'x-user': { exact: 'beta' } } },
        ],
      ],
      ['split', [{ ...shop, headers: served }, ofPort]],
    ])
  })

  test('is met beside other conditions of analysis.match', () => {
    const tested = [{ method: { exact: 'GET' }, withoutHeaders: { 'x-old': {} } }]
    const canary = buildCanary({ analysis: { ...abTest, match: tested }, service: { match: [shop] } })
    expect(rulesOf(canary, { ...weighted, matching: true })[0]?.match).toEqual([{ ...shop, ...tested[0] }])
  })

  test('is met beside the cookie of a version', () => {
    const rules = rulesOf(buildCanary({ ...sticky, service: { match: [ofPort] } }), { ...weighted, session: 'v1' })
    expect(matchesOf(rules)).toEqual([
      ['kept-canary', [{ ...ofPort, headers: holds('seen') }]],
      ['kept-primary', [{ ...ofPort, headers: holds('old') }]],
      ['split', [ofPort]],
    ])
  })

  test('leaves those of its methods that are mirrored', () => {
    const methods = [{ method: { regex: 'GET|POST' } }, { method: { exact: 'POST' } }, { uri: { suffix: '.js' } }]
    const rules = rulesOf(buildCanary({ service: { match: methods } }), { primary: 100, canary: 0, mirror: 50 })
    expect(rules[0]?.match).toEqual([
      { method: { exact: 'GET' } },
      { uri: { regex: '.*\\.js' }, method: { regex: 'GET|HEAD|OPTIONS' } },
    ])
  })

  test('holds after the Canary, too, as everything else does', () => {
    const canary = buildCanary({ service: { ...policies, match } })
    const released = renderReleased(canary, renderVirtualService(canary, weighted, undefined))
    expect(released.spec.http).toEqual([
      {
        name: 'split',
        match: [{ ...shop, headers: served }, ofPort],
        ...policies,
        route: [{ destination: { host: 'web' } }],
      },
    ])
  })
})

describe('a field that the Canary no longer has', () => {
  const { headers, corsPolicy, rewrite } = policies
  const before = renderVirtualService(buildCanary({ service: { corsPolicy, rewrite } }), weighted, undefined)
  const byOthers = before.spec.http?.map((rule) => ({ ...rule, headers })) ?? []
  const edited: VirtualService = { ...before, spec: { ...before.spec, http: byOthers } }

  test('goes, and what others added beside it stays', () => {
    const [split] = rulesOf(buildCanary({ service: { rewrite } }), weighted, edited)
    expect(split).toMatchObject({ rewrite, headers })
    expect(split).not.toHaveProperty('corsPolicy')
    const after = renderVirtualService(buildCanary(), weighted, edited)
    expect(Object.keys(after.spec.http?.[0] ?? {}).sort()).toEqual(['headers', 'name', 'route'])
    expect(after.metadata.annotations).not.toHaveProperty('sluice.dev/route-fields')
  })

  test('is not taken for somebody else’s when it was theirs first', () => {
    const theirs = renderVirtualService(buildCanary(), weighted, undefined)
    const http = theirs.spec.http?.map((rule) => ({ ...rule, corsPolicy })) ?? []
    const canary = buildCanary({ service: { corsPolicy } })
    const ours = renderVirtualService(canary, weighted, { ...theirs, spec: { ...theirs.spec, http } })
    expect(ours.metadata.annotations).toMatchObject({ 'sluice.dev/route-fields': 'corsPolicy' })
    expect(rulesOf(buildCanary(), weighted, ours)[0]).not.toHaveProperty('corsPolicy')
  })
})

test('a delegate has no hosts and gateways, and outlives the Canary for whoever delegates to it', () => {
  const canary = buildCanary({ service: { delegation: true } })
  const written = renderVirtualService(canary, weighted, renderVirtualService(buildCanary(), weighted, undefined))
  expect(written.spec).toMatchObject({ hosts: [], gateways: [] })
  expect(renderReleased(canary, written).metadata.annotations).toEqual({})
})

test.each([
  ['the route of a gateway names the port', { gateways: ['public', 'mesh'] }, { port: { number: 80 } }],
  ['and that of a delegate', { delegation: true }, { port: { number: 80 } }],
  ['a sidecar knows the port that was asked for', {}, {}],
])('where Services have ports that were discovered, %s', (_, service, port) => {
  const canary = buildCanary({ service: { ...service, portDiscovery: true } })
  const traffic = { primary: 100, canary: 0, mirror: 50 }
  const written = renderVirtualService(canary, traffic, undefined)
  const backends = [
    { host: 'web-primary', ...port },
    { host: 'web-canary', ...port },
  ]
  expect(written.spec.http?.map(({ route, mirror }) => [route?.map(({ destination }) => destination), mirror])).toEqual(
    [
      [backends, backends[1]],
      [backends, undefined],
    ],
  )
  expect(readTraffic(written, names)).toEqual(traffic)
  const [released] = renderReleased(canary, written).spec.http ?? []
  expect(released?.route).toEqual([{ destination: { host: 'web', ...port } }])
})
