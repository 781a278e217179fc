import { describe, expect, test } from 'vitest'
import { listTags, RegistryError } from '../../src/gitops/index.ts'
import { answer, type Handler, hang, inTurn, startServer, type TestServer } from '../support/http-server.ts'

const credentials = { username: 'robot', password: 'hunter2' }
const basic = `Basic ${Buffer.from('robot:hunter2').toString('base64')}`
const json = (body: unknown, headers: Record<string, string> = {}): Handler =>
  answer(200, headers, JSON.stringify(body))

const ask = (server: TestServer, more: object = {}, signal = new AbortController().signal) =>
  listTags(
    {
      repository: { registry: `127.0.0.1:${server.port}`, path: 'team/web' },
      credentials: undefined,
      insecure: true,
      ...more,
    },
    signal,
  )

const refusalOf = async (question: Promise<unknown>) => {
  const error = await question.then(
    () => expect.unreachable('the registry answered'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof RegistryError)) throw error
  expect(JSON.stringify([error.message, error.stack, error.cause ?? ''])).not.toContain('hunter2')
  return { reason: error.reason, message: error.message, retryAfterMs: error.retryAfterMs }
}

describe('pages', () => {
  test('are followed to the last one, relative and absolute links alike', async () => {
    await using server = await startServer((response, request) => {
      const last = new URL(request.path, 'http://x').searchParams.get('last')
      const next = (to: string) => ({ link: `<${to}>; rel="next"` })
      if (last === null) return json({ tags: ['1.0.0'] }, next('/v2/team/web/tags/list?n=1&last=1'))(response, request)
      if (last === '1') {
        return json({ tags: ['1.1.0'] }, next(`http://127.0.0.1:${server.port}/v2/team/web/tags/list?last=2`))(
          response,
          request,
        )
      }
      return json({ name: 'team/web', tags: ['1.2.0'] })(response, request)
    })
    expect(await ask(server)).toEqual(['1.0.0', '1.1.0', '1.2.0'])
    expect(server.requests.map((each) => each.path)).toEqual([
      '/v2/team/web/tags/list?n=1000',
      '/v2/team/web/tags/list?n=1&last=1',
      '/v2/team/web/tags/list?last=2',
    ])
  })

  test('of another origin are not fetched', async () => {
    await using server = await startServer(json({ tags: [] }, { link: '<http://127.0.0.2:1/steal>; rel="next"' }))
    expect(await refusalOf(ask(server, { credentials }))).toMatchObject({
      reason: 'RegistryFailed',
      message: expect.stringContaining('links its next page to another place'),
    })
  })

  test('that are full and have no link are asked for by their last tag', async () => {
    const all = Array.from({ length: 2_000 }, (_, index) => `1.${String(index).padStart(4, '0')}.0`)
    await using server = await startServer((response, request) => {
      const last = new URL(request.path, 'http://x').searchParams.get('last')
      const from = last === null ? 0 : (all.indexOf(last) + 1) % all.length
      return json({ tags: all.slice(from, from + 1_000) })(response, request)
    })
    expect(await ask(server)).toEqual(all)
    expect(server.requests).toHaveLength(3)
  })

  test('without end are given up', async () => {
    await using server = await startServer(json({ tags: ['a'] }, { link: '</v2/team/web/tags/list?n=1>; rel="next"' }))
    expect(await refusalOf(ask(server))).toMatchObject({ message: expect.stringContaining('more than 100000 tags') })
    expect(server.requests).toHaveLength(100)
  })

  test('without tags are empty', async () => {
    await using server = await startServer(json({ name: 'team/web', tags: null }))
    expect(await ask(server)).toEqual([])
  })
})

describe('authentication', () => {
  const guarded =
    (wanted: string, challenge: string): Handler =>
    (response, request) =>
      request.headers.authorization === wanted
        ? json({ tags: ['1.0.0'] })(response, request)
        : answer(401, { 'www-authenticate': challenge })(response, request)

  test('answers a Basic challenge, and only then', async () => {
    await using server = await startServer(guarded(basic, 'Basic realm="registry"'))
    expect(await ask(server, { credentials })).toEqual(['1.0.0'])
    expect(server.requests.map((each) => each.headers.authorization)).toEqual([undefined, basic])
  })

  test.each([
    ['token', credentials],
    ['access_token', undefined],
  ])('fetches a token of the realm by its field %s', async (field, given) => {
    const challenge = (port: number) =>
      `Bearer realm="http://127.0.0.1:${port}/token",service="reg",scope="repository:all:*"`
    await using server = await startServer((response, request) =>
      request.path.startsWith('/token')
        ? json({ [field]: 'abc' })(response, request)
        : guarded('Bearer abc', challenge(server.port))(response, request),
    )
    expect(await ask(server, { credentials: given })).toEqual(['1.0.0'])
    expect(server.requests.map((each) => [each.path, each.headers.authorization])).toEqual([
      ['/v2/team/web/tags/list?n=1000', undefined],
      ['/token?service=reg&scope=repository%3Ateam%2Fweb%3Apull', given && basic],
      ['/v2/team/web/tags/list?n=1000', 'Bearer abc'],
    ])
  })

  test('credentials never go to another host without TLS', async () => {
    await using thief = await startServer(json({ token: 'abc' }))
    await using server = await startServer(guarded('Bearer abc', `Bearer realm="${thief.url}/token"`))
    expect(await refusalOf(ask(server, { credentials }))).toMatchObject({
      reason: 'AuthenticationFailed',
      message: expect.stringContaining(`names the token server 127.0.0.1:${thief.port} without TLS, which is refused`),
    })
    expect(thief.requests).toEqual([])
  })

  test.each<[string, Handler, object, string]>([
    [
      'wrong credentials',
      answer(401, { 'www-authenticate': 'Basic' }),
      { credentials },
      'check the Secret in spec.secretRef',
    ],
    ['no credentials', answer(401, { 'www-authenticate': 'Basic' }), {}, 'wants a user name and password'],
    ['a plain no', answer(403), {}, 'name a Secret in spec.secretRef'],
    ['an unknown way', answer(401, { 'www-authenticate': 'Negotiate' }), {}, 'not known here'],
    ['no challenge', answer(401), {}, 'not known here'],
    [
      'a realm that is no address',
      answer(401, { 'www-authenticate': 'Bearer realm="/x y"' }),
      {},
      'names no token server',
    ],
  ])('%s is a clear refusal', async (_, handler, more, message) => {
    await using server = await startServer(handler)
    expect(await refusalOf(ask(server, more))).toMatchObject({
      reason: 'AuthenticationFailed',
      message: expect.stringContaining(message),
    })
  })

  test.each<[string, Handler, string]>([
    ['refuses', answer(401), 'AuthenticationFailed'],
    ['gives nonsense', answer(200, {}, '<html>'), 'AuthenticationFailed'],
    ['is broken', answer(503), 'RegistryFailed'],
  ])('a token server that %s', async (_, token, reason) => {
    await using server = await startServer((response, request) =>
      request.path.startsWith('/token')
        ? token(response, request)
        : guarded('Bearer x', `Bearer realm="http://127.0.0.1:${server.port}/token"`)(response, request),
    )
    expect(await refusalOf(ask(server, { credentials }))).toMatchObject({ reason })
  })
})

describe('failures name the registry and the next step', () => {
  test.each<[string, Handler, object]>([
    [
      'an unknown repository',
      answer(404),
      { reason: 'RepositoryNotFound', message: 'has no repository team/web; check spec.image' },
    ],
    ['too many requests', answer(429, { 'retry-after': '90' }), { reason: 'RegistryThrottled', retryAfterMs: 90_000 }],
    ['a server error', answer(502), { reason: 'RegistryFailed', message: 'answered HTTP 502; trying again' }],
    [
      'a redirect',
      answer(307, { location: 'http://127.0.0.1:1/' }),
      { reason: 'RegistryFailed', message: 'name the final registry' },
    ],
    ['a page of HTML', answer(200, {}, '<html>'), { reason: 'RegistryFailed', message: 'is it a container registry?' }],
    [
      'a flood',
      answer(200, {}, ' '.repeat(5 << 20)),
      { reason: 'RegistryUnreachable', message: 'answered with more than 4 MB' },
    ],
    [
      'a cut connection',
      (response) => response.destroy(),
      { reason: 'RegistryUnreachable', message: 'cannot be reached (ECONNRESET)' },
    ],
  ])('%s', async (_, handler, expected: { reason?: string; message?: string; retryAfterMs?: number }) => {
    await using server = await startServer(handler)
    const refusal = await refusalOf(ask(server, { credentials }))
    const { message = '', ...rest } = expected
    expect(refusal).toMatchObject(rest)
    expect(refusal.message).toContain(`registry 127.0.0.1:${server.port}`)
    expect(refusal.message).toContain(message)
  })

  test('nobody listening, and a stop while it hangs', async () => {
    const closed = await startServer(hang)
    await closed[Symbol.asyncDispose]()
    expect(await refusalOf(ask(closed))).toMatchObject({
      reason: 'RegistryUnreachable',
      message: expect.stringContaining('cannot be reached (ECONNREFUSED)'),
    })
    await using server = await startServer(inTurn(hang))
    expect(await refusalOf(ask(server, {}, AbortSignal.timeout(50)))).toMatchObject({ reason: 'RegistryUnreachable' })
  })
})
