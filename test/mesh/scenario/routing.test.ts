import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type AcceptanceWorld, startAcceptanceWorld, versionsOf } from '../../support/acceptance-world.ts'
import { virtualServiceOf } from '../../support/mesh-objects.ts'
import { get } from '../../support/mesh-world.ts'

let world: AcceptanceWorld
beforeAll(async () => {
  world = await startAcceptanceWorld()
})
afterEach(() => world?.reset())
afterAll(() => world?.stop())

const to = (subset: string) => ({ destination: { host: 'reviews', subset } })

async function routed(...http: readonly object[]): Promise<void> {
  await world.placeRule(versionsOf('reviews'))
  await world.placeRoutes(virtualServiceOf('reviews', { http }))
}

const ask = (path: string, headers: Record<string, string> = {}) => get(`${world.urls.reviews}${path}`, { headers })
const lastOfV2 = () => world.apps[2].requests.at(-1)

describe('what a route does to requests and answers', () => {
  test('headers are set, added and removed by the rule and by the destination', async () => {
    await routed({
      route: [
        {
          ...to('v2'),
          headers: { request: { set: { 'x-by': 'destination' } }, response: { add: { 'x-version': 'v2' } } },
        },
      ],
      headers: {
        request: { set: { 'x-set': 'new' }, add: { 'x-add': 'more' }, remove: ['x-secret'] },
        response: { set: { 'x-code': '%RESPONSE_CODE%' }, remove: ['x-envoy-upstream-service-time'] },
      },
    })
    const answer = await ask('/', { 'x-set': 'old', 'x-add': 'first', 'x-secret': 'hidden' })
    const seen = lastOfV2()?.headers ?? {}
    expect(seen).toMatchObject({ 'x-set': 'new', 'x-by': 'destination' })
    expect(String(seen['x-add']).split(/, ?/)).toEqual(['first', 'more'])
    expect(seen).not.toHaveProperty('x-secret')
    expect(answer).toMatchObject({ status: 200, body: 'v2', headers: { 'x-version': 'v2', 'x-code': '200' } })
    expect(answer.headers).not.toHaveProperty('x-envoy-upstream-service-time')
  })

  test('a path is rewritten where it matched, or by an expression, and the host with it', async () => {
    await routed(
      {
        match: [{ uri: { prefix: '/api/' } }],
        rewrite: { uri: '/v2/', authority: 'inner.example' },
        route: [to('v2')],
      },
      {
        match: [{ uri: { regex: '/old/.*' } }],
        rewrite: { uriRegexRewrite: { match: '^/old/(\\w+)/(\\w+)', rewrite: '/new/\\2/\\1' } },
        route: [to('v2')],
      },
      { route: [to('v1')] },
    )
    await ask('/api/items?page=2')
    expect(lastOfV2()).toMatchObject({ url: '/v2/items?page=2', host: 'inner.example' })
    await ask('/old/a/b?c=d')
    expect(lastOfV2()).toMatchObject({ url: '/new/b/a?c=d', host: new URL(world.urls.reviews).host })
    expect((await ask('/other')).body).toMatch(/^v1/)
  })

  test('the proxy answers by itself: a redirect and a direct response', async () => {
    await routed(
      {
        match: [{ uri: { prefix: '/old' } }],
        redirect: { uri: '/new', authority: 'other.example', redirectCode: 307 },
      },
      { match: [{ uri: { exact: '/closed' } }], directResponse: { status: 418, body: { string: 'closed' } } },
      { route: [to('v1')] },
    )
    expect(await ask('/old/1')).toMatchObject({ status: 307, headers: { location: 'http://other.example/new' } })
    expect(await ask('/closed')).toMatchObject({ status: 418, body: 'closed' })
    expect((await ask('/other')).body).toMatch(/^v1/)
    expect(world.apps.reduce((sum, { requests }) => sum + requests.length, 0)).toBe(1)
  })

  test('pages of an allowed origin may ask, after a preflight that the proxy answers', async () => {
    await routed({
      route: [to('v2')],
      corsPolicy: {
        allowOrigins: [{ regex: 'https://.*\\.shop\\.example' }],
        allowMethods: ['GET', 'PUT'],
        allowHeaders: ['x-token'],
        exposeHeaders: ['x-total'],
        maxAge: '10m',
        allowCredentials: true,
      },
    })
    const origin = 'https://www.shop.example'
    const preflight = await get(world.urls.reviews, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'PUT' },
    })
    expect(preflight).toMatchObject({
      status: 200,
      body: '',
      headers: {
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'GET,PUT',
        'access-control-allow-headers': 'x-token',
        'access-control-max-age': '600',
        'access-control-allow-credentials': 'true',
      },
    })
    expect(lastOfV2()).toBeUndefined()
    const allowed = await ask('/', { origin })
    expect(allowed).toMatchObject({
      body: 'v2',
      headers: { 'access-control-allow-origin': origin, 'access-control-expose-headers': 'x-total' },
    })
    const stranger = await ask('/', { origin: 'https://evil.example' })
    expect(stranger.headers).not.toHaveProperty('access-control-allow-origin')
  })

  test('a preflight of another origin reaches the application, unless the policy ignores it', async () => {
    const preflight = async (policy: object) => {
      await routed({ route: [to('v2')], corsPolicy: { allowOrigins: [{ exact: 'https://shop.example' }], ...policy } })
      const headers = { origin: 'https://evil.example', 'access-control-request-method': 'PUT' }
      return await get(world.urls.reviews, { method: 'OPTIONS', headers })
    }
    expect(await preflight({})).toMatchObject({ status: 200, body: 'v2' })
    expect(await preflight({ unmatchedPreflights: 'IGNORE' })).toMatchObject({ status: 200, body: '' })
  })

  test('a gRPC call is aborted with a status of its own', async () => {
    await routed({
      route: [to('v2')],
      fault: { abort: { percentage: { value: 100 }, grpcStatus: 'RESOURCE_EXHAUSTED' } },
    })
    expect(await ask('/', { 'content-type': 'application/grpc' })).toMatchObject({
      status: 200,
      headers: { 'grpc-status': '8' },
    })
    expect(lastOfV2()).toBeUndefined()
  })

  test('withoutHeaders and ignoreUriCase pick their requests', async () => {
    await routed(
      {
        match: [{ uri: { prefix: '/Shop' }, ignoreUriCase: true, withoutHeaders: { 'X-Old': { exact: 'yes' } } }],
        route: [to('v2')],
      },
      { route: [to('v1')] },
    )
    const answers = [
      await ask('/shop/1'),
      await ask('/SHOP', { 'x-old': 'no' }),
      await ask('/shop', { 'x-old': 'yes' }),
      await ask('/other'),
    ]
    expect(answers.map(({ body }) => body.slice(0, 2))).toEqual(['v2', 'v2', 'v1', 'v1'])
  })
})
