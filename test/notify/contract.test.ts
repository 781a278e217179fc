import { webcrypto } from 'node:crypto'
import 'reflect-metadata'
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509'
import { describe, expect, test } from 'vitest'
import { createNotifier, type NoticeResult } from '../../src/notify/index.ts'
import { renderers } from '../../src/notify/registry.ts'
import { createLogger, createOutbound, type OutboundOptions } from '../../src/runtime/index.ts'
import { eventually } from '../support/eventually.ts'
import { answer, type Handler, hang, inTurn, reset, startServer, type TestServer } from '../support/http-server.ts'
import { instantClock } from '../support/instant-clock.ts'
import { noticeOf, targetOf } from '../support/notices.ts'

type Type = keyof typeof renderers

const types: readonly Type[] = ['slack', 'webhook']

test('the contract is held by every notifier there is', () => {
  expect(Object.keys(renderers).sort()).toEqual([...types].sort())
})

/** Accepts what the service would accept, and refuses the rest as it does. */
const services: Readonly<Record<Type, Handler>> = {
  slack: (response, { body }) => {
    const { text, attachments } = JSON.parse(body)
    const isMessage = typeof text === 'string' && Array.isArray(attachments?.[0]?.blocks)
    response.writeHead(isMessage ? 200 : 400).end(isMessage ? 'ok' : 'invalid_payload')
  },
  webhook: (response, { body }) => response.writeHead(JSON.parse(body).schemaVersion === 1 ? 204 : 400).end(),
}

/** A service that hangs costs a test a moment only. */
const MOMENT_MS = 300

function createSender(outboundOptions?: OutboundOptions, timeoutMs?: number) {
  const clock = instantClock()
  const lines: string[] = []
  const results: NoticeResult[] = []
  const stop = new AbortController()
  const outbound = createOutbound(outboundOptions)
  const notifier = createNotifier({
    clock,
    log: createLogger({ name: 'test', level: 'debug', destination: { write: (line) => void lines.push(line) } }),
    random: () => 1,
    signal: stop.signal,
    onResult: (result) => results.push(result),
    outbound: { post: (request) => outbound.post({ ...request, timeoutMs: timeoutMs ?? request.timeoutMs }) },
  })
  return { notifier, clock, lines, results, stop }
}

const SECRET = 'T000-B000-s3cret'

async function sendThrough(type: Type, handler: Handler) {
  await using server = await startServer(handler)
  const sender = createSender({}, handler === hang ? MOMENT_MS : undefined)
  void sender.notifier.send(targetOf(`${server.url}/services/${SECRET}`, { type }), noticeOf())
  await sender.notifier.drain()
  return { ...sender, requests: server.requests }
}

const causesOf = (lines: readonly string[]): readonly string[] => lines.map((line) => JSON.parse(line).cause)

describe.each(types)('the %s notifier', (type) => {
  test('sends what its service accepts, once', async () => {
    const { requests, results, lines } = await sendThrough(type, services[type])
    expect([requests.length, requests[0]?.method, requests[0]?.headers['content-type'], results, lines]).toEqual([
      1,
      'POST',
      'application/json',
      ['sent'],
      [],
    ])
  })

  test('waits as long as a 429 asks', async () => {
    const { requests, results, clock } = await sendThrough(
      type,
      inTurn(answer(429, { 'retry-after': '17' }), services[type]),
    )
    expect([requests.length, results, clock.sleeps]).toEqual([2, ['sent'], [17_000]])
  })

  test('tries again after a 500 and a broken connection', async () => {
    const { results, clock } = await sendThrough(type, inTurn(answer(500), reset, services[type]))
    expect([results, clock.sleeps]).toEqual([['sent'], [1_000, 2_000]])
  })

  test.each<[string, Handler, number, string]>([
    ['answers 500 for ever', answer(500), 5, 'it answered 500, 5 times'],
    ['answers 404', answer(404, {}, 'no_service'), 1, 'it answered 404'],
    ['redirects', answer(302, { location: 'http://127.0.0.1:1/' }), 1, 'it answered 302'],
    ['hangs', hang, 5, 'no answer within 0.3 s, 5 times'],
  ])('gives up on a service that %s, with one line and no secret', async (_, handler, tries, cause) => {
    const { requests, results, lines } = await sendThrough(type, handler)
    expect([requests.length, results, causesOf(lines)]).toEqual([tries, ['failed'], [cause]])
    expect(lines.join('')).not.toContain(SECRET)
  })

  test('gives up on a certificate that it can not trust, and sends nothing', async () => {
    await using server = await startServer(services[type], await selfSigned())
    const { notifier, results, lines } = createSender()
    void notifier.send(targetOf(`${server.url}/${SECRET}`, { type }), noticeOf())
    await notifier.drain()
    expect([server.requests, results, causesOf(lines)]).toEqual([
      [],
      ['failed'],
      ['its certificate is not trusted (self-signed), 5 times'],
    ])
    expect(lines.join('')).not.toContain(SECRET)
  })

  test('sends over TLS to a certificate that it trusts', async () => {
    const identity = await selfSigned()
    await using server = await startServer(services[type], identity)
    const { notifier, results } = createSender({ ca: identity.cert })
    void notifier.send(targetOf(server.url, { type }), noticeOf())
    await notifier.drain()
    expect(results).toEqual(['sent'])
  })
})

describe('handing over', () => {
  const reasonsAt = (server: TestServer) => server.requests.map(({ body }) => JSON.parse(body).reason)

  test('returns at once and keeps the order of a target', async () => {
    await using server = await startServer(answer(200))
    const { notifier } = createSender()
    for (const reason of ['first', 'second', 'third']) void notifier.send(targetOf(server.url), noticeOf({ reason }))
    expect(server.requests).toEqual([])
    await notifier.drain()
    expect(reasonsAt(server)).toEqual(['first', 'second', 'third'])
  })

  test('to a target that hangs does not hold another', async () => {
    const slow = await startServer(hang)
    await using quick = await startServer(answer(200))
    const { notifier, results } = createSender()
    void notifier.send(targetOf(slow.url), noticeOf())
    void notifier.send(targetOf(quick.url), noticeOf())
    await eventually(() => expect(results).toEqual(['sent']))
    await slow[Symbol.asyncDispose]()
    await notifier.drain()
    expect(results).toEqual(['sent', 'failed'])
  })

  test('more than a target can take drops the oldest, with a line each', async () => {
    await using server = await startServer(answer(200))
    const { notifier, results, lines } = createSender()
    for (let index = 0; index < 103; index += 1) {
      void notifier.send(targetOf(server.url), noticeOf({ reason: `number ${index}` }))
    }
    await notifier.drain()
    expect(results.filter((result) => result === 'dropped')).toHaveLength(3)
    expect([reasonsAt(server)[0], reasonsAt(server).at(-1), causesOf(lines)]).toEqual([
      'number 3',
      'number 102',
      ['too many wait', 'too many wait', 'too many wait'],
    ])
  })

  test('is tried once more and no more when the process stops', async () => {
    await using server = await startServer(answer(500))
    const { notifier, stop, lines } = createSender()
    stop.abort()
    const result = notifier.send(targetOf(server.url), noticeOf())
    await notifier.drain()
    expect([server.requests.length, causesOf(lines), await result]).toEqual([1, ['the process stops'], 'interrupted'])
  })
})

async function selfSigned(): Promise<{ readonly key: string; readonly cert: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=127.0.0.1',
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    keys,
    signingAlgorithm: algorithm,
    extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
  })
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    cert: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
  }
}
