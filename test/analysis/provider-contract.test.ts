import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import type { Answer } from '../../src/analysis/provider.ts'
import { providers } from '../../src/analysis/registry.ts'
import { type Clock, silentLogger, systemClock } from '../../src/runtime/index.ts'

type Reply = (response: ServerResponse, request: IncomingMessage) => void

const json =
  (status: number, body: unknown): Reply =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

const text =
  (status: number, body: string): Reply =>
  (response) =>
    response.writeHead(status, { 'content-type': 'text/html' }).end(body)

const vector = (...result: unknown[]): Reply => json(200, { status: 'success', data: { resultType: 'vector', result } })

interface Row {
  readonly sentence: string
  readonly reply: Reply
  readonly expected: Answer
}

/** What the contract promises, said in the protocol of each kind of server. */
const dialects: Readonly<Record<keyof typeof providers, readonly Row[]>> = {
  prometheus: [
    {
      sentence: 'gives every element of a vector with its labels',
      reply: vector({ metric: { pod: 'a' }, value: [1, '7.5'] }, { metric: {}, value: [1, '-1e3'] }),
      expected: {
        kind: 'samples',
        samples: [
          { labels: { pod: 'a' }, value: 7.5 },
          { labels: {}, value: -1_000 },
        ],
      },
    },
    {
      sentence: 'gives a scalar as one element without labels',
      reply: json(200, { status: 'success', data: { resultType: 'scalar', result: [1, '3'] } }),
      expected: { kind: 'samples', samples: [{ labels: {}, value: 3 }] },
    },
    { sentence: 'an empty answer is no error', reply: vector(), expected: { kind: 'samples', samples: [] } },
    {
      sentence: 'hands numbers that are none on to the judge',
      reply: vector({ metric: {}, value: [1, 'NaN'] }, { metric: {}, value: [1, '+Inf'] }),
      expected: {
        kind: 'samples',
        samples: [
          { labels: {}, value: Number.NaN },
          { labels: {}, value: Number.POSITIVE_INFINITY },
        ],
      },
    },
    {
      sentence: 'refuses a range',
      reply: json(200, { status: 'success', data: { resultType: 'matrix', result: [] } }),
      expected: {
        kind: 'query-error',
        message: 'Prometheus at ADDRESS: the query gives a matrix; it must give a scalar or an instant vector',
      },
    },
    {
      sentence: 'refuses a native histogram',
      reply: vector({ metric: {}, histogram: [1, {}] }),
      expected: {
        kind: 'query-error',
        message: 'Prometheus at ADDRESS: the query gives a native histogram; it must give numbers',
      },
    },
    {
      sentence: 'passes on why the server refused the query',
      reply: json(400, { status: 'error', errorType: 'bad_data', error: 'unexpected end of input' }),
      expected: {
        kind: 'query-error',
        message: 'Prometheus at ADDRESS: HTTP 400 bad_data: unexpected end of input',
      },
    },
    {
      sentence: 'refused credentials are an error to repair',
      reply: text(401, 'Unauthorized: user:secret'),
      expected: {
        kind: 'query-error',
        message: 'Prometheus at ADDRESS: HTTP 401: it refuses these credentials',
      },
    },
    {
      sentence: 'follows no redirect',
      reply: (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      expected: { kind: 'query-error', message: 'Prometheus at ADDRESS: HTTP 302' },
    },
    {
      sentence: 'a server that is overrun is down for now',
      reply: text(429, 'slow down'),
      expected: { kind: 'provider-down', message: 'Prometheus at ADDRESS: HTTP 429' },
    },
    {
      sentence: 'a failing server is down',
      reply: json(500, { status: 'error', errorType: 'internal', error: 'disk' }),
      expected: { kind: 'provider-down', message: 'Prometheus at ADDRESS: HTTP 500 internal: disk' },
    },
    {
      sentence: 'an answer that is cut off is that of a server that is down',
      reply: (response) => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('{"status":', () => response.destroy())
      },
      expected: { kind: 'provider-down', message: expect.stringContaining('Prometheus at ADDRESS: ') },
    },
    {
      sentence: 'garbage is no answer',
      reply: text(200, '<html>welcome</html>'),
      expected: {
        kind: 'provider-down',
        message: 'Prometheus at ADDRESS: the answer is not that of a Prometheus query API',
      },
    },
    {
      sentence: 'reads no more than 8 MiB',
      reply: (response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        const chunk = Buffer.alloc(1024 * 1024, ' ')
        const writeMore = () => {
          if (!response.destroyed) response.write(chunk, writeMore)
        }
        writeMore()
      },
      expected: {
        kind: 'query-error',
        message: 'Prometheus at ADDRESS: the answer is larger than 8 MiB: narrow or aggregate the query',
      },
    },
  ],
}

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function serve(reply: Reply): Promise<string> {
  const server = createServer((request, response) => reply(response, request))
  closers.push(() => {
    server.close()
    server.closeAllConnections()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `127.0.0.1:${address.port}`
}

const providerAt = (type: keyof typeof providers, address: string, clock: Clock = systemClock) =>
  providers[type]({ address, clock, log: silentLogger, http: fetch })

const patience = () => AbortSignal.timeout(10_000)

describe.each(Object.entries(dialects))('every provider: %s', (name, rows) => {
  const type = name as keyof typeof providers

  test.each(rows)('$sentence', async ({ reply, expected }) => {
    const host = await serve(reply)
    const answer = await providerAt(type, `http://user:secret@${host}/base/`).instant('up', 0, patience())
    const shown = JSON.parse(JSON.stringify(answer).replaceAll(`http://${host}/base`, 'ADDRESS'))
    expect(answer.kind === 'samples' ? answer : shown).toEqual(expected)
    expect(JSON.stringify(answer)).not.toContain('secret')
  })

  test('gives up on a silent server in time', async () => {
    const host = await serve(() => {})
    const waited: number[] = []
    const clock: Clock = { ...systemClock, sleep: async (milliseconds) => void waited.push(milliseconds) }
    const answer = await providerAt(type, `http://${host}`, clock).instant('up', 0, patience())
    expect(answer).toEqual({ kind: 'provider-down', message: `Prometheus at http://${host}: no answer within 5s` })
    expect(waited).toEqual([5_000])
  })

  test('a server that is not there is down', async () => {
    const host = await serve(() => {})
    for (const close of closers.splice(0)) close()
    const answer = await providerAt(type, `http://user:secret@${host}`).instant('up', 0, patience())
    expect(answer).toEqual({
      kind: 'provider-down',
      message: expect.stringMatching(new RegExp(`^Prometheus at http://${host}: .*ECONNREFUSED`)),
    })
  })

  test('ends with the signal of the caller', async () => {
    const stop = new AbortController()
    const host = await serve(() => stop.abort())
    const answer = await providerAt(type, `http://${host}`).instant('up', 0, stop.signal)
    expect(answer.kind).toBe('provider-down')
  })

  test.each(['', 'prometheus:9090', 'ftp://user:secret@host'])('refuses the address "%s"', async (address) => {
    const answer = await providerAt(type, address).instant('up', 0, patience())
    expect(answer).toEqual({ kind: 'query-error', message: expect.stringContaining('not an http or https URL') })
    expect(JSON.stringify(answer)).not.toContain('secret')
  })
})

test('Prometheus is asked by a form under the path of its address, with the credentials of the address', async () => {
  const seen: object[] = []
  const host = await serve(async (response, request) => {
    const form = (await request.toArray()).join('')
    seen.push({ method: request.method, url: request.url, authorization: request.headers.authorization, form })
    vector()(response, request)
  })
  await providerAt('prometheus', `http://us%40er:50%-off@${host}/base/`).instant('sum(up)', 1_234_567, patience())
  expect(seen).toEqual([
    {
      method: 'POST',
      url: '/base/api/v1/query',
      authorization: `Basic ${Buffer.from('us@er:50%-off').toString('base64')}`,
      form: 'query=sum%28up%29&time=1234.567',
    },
  ])
})
