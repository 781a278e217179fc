import { describe, expect, test } from 'vitest'
import type { MetricProvider } from '../../../src/analysis/provider.ts'
import { providers } from '../../../src/analysis/registry.ts'
import type { MetricProviderSpec } from '../../../src/api/index.ts'
import { type Clock, systemClock } from '../../../src/runtime/index.ts'
import { answer, type Handler, hang, startServer, type TestServer } from '../../support/http-server.ts'
import { cloudwatch, newrelic, serviceAccountKey, stackdriver } from './dialects/clouds.ts'
import { type Dialect, TOKEN, WINDOW } from './dialects/dialect.ts'
import { elasticsearch, externalmetrics, web } from './dialects/json-servers.ts'
import { prometheus, prometheusRange } from './dialects/prometheus.ts'
import { datadog, graphite, influxdb } from './dialects/time-series.ts'

/** One for each type, so that a provider without a contract does not compile; a Job has no server: see job.test.ts. */
const dialects: Readonly<Record<Exclude<MetricProviderSpec['type'], 'job'>, Dialect>> = {
  prometheus,
  web,
  datadog,
  cloudwatch,
  newrelic,
  graphite,
  stackdriver,
  influxdb,
  externalmetrics,
  elasticsearch,
}

const all = [...Object.entries(dialects), ['prometheus, range', prometheusRange] as const]

const patience = () => AbortSignal.timeout(120_000)

/** Serves what comes before the question, then the question itself. */
const serve = (dialect: Dialect, handler: Handler): Promise<TestServer> =>
  startServer((response, request) =>
    (dialect.before?.(request.path.replace(/^\/base/, '')) ?? handler)(response, request),
  )

function providerAt(
  dialect: Dialect,
  address: string,
  over: { clock?: Clock; secret?: Dialect['secret'] } = {},
): MetricProvider {
  const { provider } = dialect
  const key = provider.type === 'stackdriver' ? { serviceAccountKey: serviceAccountKey(address) } : {}
  return providers[provider.type]({
    provider: { ...provider, address },
    metricsServer: 'http://127.0.0.1:1',
    secret: over.secret ?? { ...dialect.secret, ...key },
    clock: over.clock ?? systemClock,
    environment: {},
  })
}

async function ask(dialect: Dialect, handler: Handler) {
  await using server = await serve(dialect, handler)
  const answered = await providerAt(dialect, `${server.url}/base/`).newest(dialect.query, WINDOW, patience())
  expect(JSON.stringify(answered)).not.toContain(TOKEN)
  if (answered.kind === 'samples') return answered
  const { kind, message } = answered
  const prefix = `${dialect.title} at ${server.url}/base: `
  expect(message.startsWith(prefix)).toBe(true)
  return { kind, message: message.slice(prefix.length) }
}

describe.each(all)('every provider: %s', (_, dialect) => {
  test('asks as the documentation of the server says, with its credentials', async () => {
    await using server = await serve(dialect, answer(200, {}, dialect.answers.empty.body))
    await providerAt(dialect, `${server.url}/base/`).newest(dialect.query, WINDOW, patience())
    const { method, path, headers, body } = server.requests.at(-1) ?? { method: '', path: '', headers: {}, body: '' }
    const isForm = headers['content-type'] === 'application/x-www-form-urlencoded'
    const parsed = isForm ? Object.fromEntries(new URLSearchParams(body)) : JSON.parse(body || 'null')
    expect({ method, path, headers, body: parsed }).toEqual({
      body: null,
      ...dialect.question,
      path: `/base${dialect.question.path}`,
      headers: expect.objectContaining(dialect.question.headers),
    })
  })

  test.each(Object.entries(dialect.answers))('reads its answer: %s', async (_, { body, expected }) => {
    expect(await ask(dialect, answer(200, { 'content-type': 'application/json' }, body))).toEqual(expected)
  })

  test('passes on why the server refused the query', async () => {
    const [body, shown] = dialect.refusal
    expect(await ask(dialect, answer(400, {}, body))).toEqual({ kind: 'query-error', message: `HTTP 400${shown}` })
  })

  const told = `{"errors":["${TOKEN}"],"message":"${TOKEN}","error":{"reason":"${TOKEN}","message":"${TOKEN}"}}`

  test.each([401, 403])('refused credentials are an error to repair, and never repeated: %i', async (status) => {
    const refused = await ask(dialect, answer(status, {}, told))
    expect(refused).toEqual({
      kind: 'query-error',
      message: expect.stringMatching(new RegExp(`^HTTP ${status}.*: it refuses these credentials$`)),
    })
  })

  test.each([408, 429, 500, 503])('a server that answers %i is down for now', async (status) => {
    const refused = await ask(dialect, answer(status, {}, 'busy'))
    expect(refused).toEqual({ kind: 'provider-down', message: `HTTP ${status}` })
  })

  test('follows no redirect', async () => {
    const redirected = await ask(dialect, answer(302, { location: 'http://127.0.0.1:1/' }))
    expect(redirected).toEqual({ kind: 'query-error', message: 'HTTP 302' })
  })

  test('an answer that is cut off is that of a server that is down', async () => {
    const cutOff = await ask(dialect, (response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('{"status":', () => response.destroy())
    })
    expect(cutOff.kind).toBe('provider-down')
  })

  test('reads no more than 8 MiB', async () => {
    const huge = await ask(dialect, (response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const chunk = Buffer.alloc(1024 * 1024, ' ')
      const writeMore = () => {
        if (!response.destroyed) response.write(chunk, writeMore)
      }
      writeMore()
    })
    expect(huge).toEqual({
      kind: 'query-error',
      message: 'the answer is larger than 8 MiB: narrow or aggregate the query',
    })
  })

  test('gives up on a silent server in time', async () => {
    await using server = await startServer(hang)
    const waited: number[] = []
    const clock: Clock = { ...systemClock, sleep: async (milliseconds) => void waited.push(milliseconds) }
    const answered = await providerAt(dialect, server.url, { clock }).newest(dialect.query, WINDOW, patience())
    expect(answered).toEqual({ kind: 'provider-down', message: expect.stringMatching(/: no answer within 5s$/) })
    expect(waited).toEqual([5_000])
  })

  test('a server that is not there is down', async () => {
    const address = await startServer(hang).then(async (server) => {
      await server[Symbol.asyncDispose]()
      return server.url
    })
    const answered = await providerAt(dialect, address).newest(dialect.query, WINDOW, patience())
    expect(answered).toEqual({
      kind: 'provider-down',
      message: expect.stringMatching(new RegExp(`^${dialect.title} at ${address}: .*ECONNREFUSED`)),
    })
  })

  test('ends with the signal of the caller', async () => {
    const stop = new AbortController()
    await using server = await startServer(() => stop.abort())
    const answered = await providerAt(dialect, server.url).newest(dialect.query, WINDOW, stop.signal)
    expect(answered.kind).toBe('provider-down')
  })

  test.each(['', 'prometheus:9090', `ftp://user:${TOKEN}@host`])('refuses the address "%s"', async (address) => {
    const answered = await providerAt(dialect, address).newest(dialect.query, WINDOW, patience())
    expect(answered).toEqual({ kind: 'query-error', message: expect.stringContaining('not an http or https URL') })
    expect(JSON.stringify(answered)).not.toContain(TOKEN)
  })
})

describe.each(['datadog', 'newrelic', 'stackdriver', 'influxdb', 'externalmetrics', 'cloudwatch'] as const)(
  '%s without its credentials',
  (type) => {
    test('says which are missing, and asks nothing', async () => {
      await using server = await startServer(hang)
      const dialect = dialects[type]
      const answered = await providerAt(dialect, server.url, { secret: {} }).newest(dialect.query, WINDOW, patience())
      expect(answered).toEqual({
        kind: 'query-error',
        message: expect.stringMatching(/the Secret of provider.secretRef has no key |there are no AWS credentials/),
      })
      expect(server.requests).toEqual([])
    })
  },
)
