import { describe, expect, test } from 'vitest'
import type { Webhook } from '../../src/api/index.ts'
import { createHookCaller } from '../../src/hooks/index.ts'
import { silentLogger } from '../../src/runtime/index.ts'
import { createCertificate } from '../support/certificate.ts'
import { answer, type Handler, hang, inTurn, reset, startServer } from '../support/http-server.ts'
import { instantClock } from '../support/instant-clock.ts'

const payload = {
  name: 'web',
  namespace: 'default',
  phase: 'Progressing',
  checksum: 'abc123',
  buildId: 'abc123',
  type: 'rollout',
  failedChecks: 1,
  canaryWeight: 20,
  iterations: 2,
  remainingTime: 30_000_000_000,
} as const
const never = new AbortController().signal

const hookAt = (url: string, more: Partial<Webhook> = {}): Webhook => ({
  name: 'smoke',
  type: 'rollout',
  url,
  timeout: '2s',
  retries: 0,
  ...more,
})

function createCaller() {
  const clock = instantClock()
  return { clock, caller: createHookCaller({ clock, log: silentLogger, random: () => 1 }) }
}

async function callAgainst(handler: Handler, more: Partial<Webhook> = {}) {
  await using server = await startServer(handler)
  const { caller, clock } = createCaller()
  const outcome = await caller.call(hookAt(`${server.url}/gate`, more), payload, never)
  return { outcome, requests: server.requests, sleeps: clock.sleeps, port: server.port }
}

test("the payload is Flagger's", async () => {
  const { requests } = await callAgainst(answer(200), { metadata: { cmd: 'check' } })
  expect(
    requests.map(({ method, path, headers, body }) => [method, path, headers['content-type'], JSON.parse(body)]),
  ).toEqual([['POST', '/gate', 'application/json', { ...payload, metadata: { cmd: 'check' } }]])
})

test('metadata is an empty object when there is none', async () => {
  const { requests } = await callAgainst(answer(200))
  expect(JSON.parse(requests[0]?.body ?? '')).toEqual({ ...payload, metadata: {} })
})

const huge: Handler = (response) => {
  response.writeHead(500)
  const fill = () => {
    while (response.write('the secret of another tenant '.repeat(1_000)));
    response.once('drain', fill)
  }
  fill()
}

test.each<[string, Handler, object]>([
  ['200', answer(200), { ok: true, status: 200, message: 'hook "smoke" answered 200' }],
  ['202', answer(202), { ok: true, status: 202, message: 'hook "smoke" answered 202' }],
  ['203', answer(203), { ok: false, status: 203, message: 'hook "smoke" answered 203' }],
  ['403', answer(403, {}, 'not today'), { ok: false, status: 403, message: 'hook "smoke" answered 403' }],
  ['a redirect to nowhere', answer(302), { ok: false, status: 302, message: 'hook "smoke" answered 302' }],
  ['a body without end', huge, { ok: false, status: 500, message: 'hook "smoke" answered 500' }],
  ['a broken connection', reset, { ok: false, message: 'hook "smoke" failed: the connection broke' }],
])('the outcome of %s', async (_, handler, expected) => {
  expect((await callAgainst(handler)).outcome).toEqual(expected)
})

describe('a hook that does not answer', () => {
  test('fails at its own time limit', async () => {
    const { outcome } = await callAgainst(hang, { timeout: '50ms' })
    expect(outcome).toEqual({ ok: false, message: 'hook "smoke" failed: no answer within 0.05 s' })
  })

  test('is left at once when the caller gives up, without further calls', async () => {
    const stop = new AbortController()
    const { outcome, requests } = await (async () => {
      await using server = await startServer(() => stop.abort())
      const called = createCaller().caller.call(hookAt(server.url, { retries: 5 }), payload, stop.signal)
      return { outcome: await called, requests: server.requests.length }
    })()
    expect([outcome, requests]).toEqual([{ ok: false, message: 'hook "smoke" failed: it was cancelled' }, 1])
  })

  test('is one that nobody listens for', async () => {
    const { port } = await callAgainst(answer(200))
    const outcome = await createCaller().caller.call(hookAt(`http://127.0.0.1:${port}`), payload, never)
    expect(outcome).toEqual({ ok: false, message: 'hook "smoke" failed: the connection was refused' })
  })
})

describe('retries', () => {
  test('stop at the first answer, with growing waits', async () => {
    const { outcome, requests, sleeps } = await callAgainst(inTurn(answer(500), reset, answer(429), answer(200)), {
      retries: 5,
    })
    expect([outcome, requests.length, sleeps]).toEqual([
      { ok: true, status: 200, message: 'hook "smoke" answered 200 (4 calls)' },
      4,
      [1_000, 2_000, 4_000],
    ])
  })

  test('stop at their number', async () => {
    const { outcome, requests } = await callAgainst(answer(503), { retries: 2 })
    expect([outcome, requests.length]).toEqual([
      { ok: false, status: 503, message: 'hook "smoke" answered 503 (3 calls)' },
      3,
    ])
  })

  test('are not made for a refusal', async () => {
    const { requests } = await callAgainst(answer(403), { retries: 5 })
    expect(requests).toHaveLength(1)
  })
})

describe('redirects', () => {
  test('307 repeats the POST, 302 asks with GET, up to three', async () => {
    const { outcome, requests } = await callAgainst(
      inTurn(
        answer(307, { location: '/a' }),
        answer(302, { location: '/b' }),
        answer(301, { location: '/c' }),
        answer(200),
      ),
    )
    const seen = requests.map(({ method, path, body }) => [method, path, body === '' ? 'empty' : 'payload'])
    expect([outcome.ok, seen]).toEqual([
      true,
      [
        ['POST', '/gate', 'payload'],
        ['POST', '/a', 'payload'],
        ['GET', '/b', 'empty'],
        ['GET', '/c', 'empty'],
      ],
    ])
  })

  test.each([
    ['a loop', '/gate', 'it was redirected more than 3 times', 4],
    ['another host', 'http://localhost:1/', 'it was redirected to another host', 1],
    ['another protocol', 'file:///etc/passwd', 'its address is not one that begins with http:// or https://', 1],
  ])('%s is refused, without retries', async (_, location, cause, calls) => {
    const { outcome, requests } = await callAgainst(answer(307, { location }), { retries: 3 })
    expect([outcome, requests.length]).toEqual([{ ok: false, message: `hook "smoke" failed: ${cause}` }, calls])
  })
})

test.each([
  ['a protocol that is not HTTP', 'ftp://example.com/', 'its address is not one that begins with http:// or https://'],
  ['no address at all', 'gate', 'its address is not one that begins with http:// or https://'],
  ['the metadata service of a cloud', 'http://169.254.169.254/latest', 'its address is one that must not be called'],
  ['the same in another spelling', 'http://[::ffff:169.254.169.254]/', 'its address is one that must not be called'],
])('%s is never called', async (_, url, cause) => {
  const outcome = await createCaller().caller.call(hookAt(url, { retries: 3 }), payload, never)
  expect(outcome).toEqual({ ok: false, message: `hook "smoke" failed: ${cause}` })
})

describe('a certificate that nobody vouches for', () => {
  const callOverTls = async (more: Partial<Webhook>) => {
    await using server = await startServer(answer(200), await createCertificate('another.example.com'))
    const outcome = await createCaller().caller.call(hookAt(`${server.url}/gate`, more), payload, never)
    return [outcome.ok, outcome.message, server.requests.length]
  }

  test.each([{}, { disableTLS: false }])('is refused: %j', async (more) => {
    expect(await callOverTls(more)).toEqual([
      false,
      'hook "smoke" failed: its certificate is not trusted (self-signed)',
      0,
    ])
  })

  test('is taken where disableTLS says so', async () => {
    expect(await callOverTls({ disableTLS: true })).toEqual([true, 'hook "smoke" answered 200', 1])
  })
})

test('no message holds the address or what it carries', async () => {
  const { caller } = createCaller()
  const urls = [
    'http://user:s3cret@127.0.0.1:1/x?token=s3cret',
    'http://s3cret.invalid/',
    'https://127.0.0.1:1/s3cret',
    's3cret',
  ]
  for (const url of urls) {
    const { message } = await caller.call(hookAt(url), payload, never)
    expect(message).not.toContain('s3cret')
  }
})
