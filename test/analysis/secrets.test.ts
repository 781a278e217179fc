import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { createAnalyst, type SecretReader } from '../../src/analysis/index.ts'
import type { MetricTemplate } from '../../src/api/index.ts'
import { createLogger, systemClock } from '../../src/runtime/index.ts'
import { answer, type Handler, startServer } from '../support/http-server.ts'

const TOKEN = 'planted-token-3f7a'

interface Setup {
  readonly handler?: Handler
  readonly secrets?: SecretReader
  readonly namespace?: string | undefined
}

async function measure({ handler = answer(200, {}, '{"value":3}'), secrets, namespace = 'team-a' }: Setup) {
  await using server = await startServer(handler)
  const lines: string[] = []
  const destination = new Writable({ write: (chunk, _, done) => done(void lines.push(String(chunk))) })
  const analyst = createAnalyst({
    clock: systemClock,
    log: createLogger({ name: 'test', level: 'trace', destination }),
    ...(secrets === undefined ? {} : { secrets }),
  })
  const template: MetricTemplate = {
    apiVersion: 'sluice.dev/v1',
    kind: namespace === '' ? 'ClusterMetricTemplate' : 'MetricTemplate',
    metadata: { name: 'mine', ...(namespace === '' ? {} : { namespace }) },
    spec: {
      provider: { type: 'web', address: server.url, jsonPath: 'value', secretRef: { name: 'credentials' } },
      query: '/',
    },
  }
  const [verdict] = await analyst.measure(
    {
      subject: { canary: 'web', namespace: 'shop', target: 'web', primary: 'web-primary', service: 'web' },
      checks: [{ metric: { name: 'mine', thresholdRange: { max: 5 } }, template }],
      window: { startMs: 0, endMs: 60_000 },
      metricsServer: 'http://127.0.0.1:1',
    },
    AbortSignal.timeout(120_000),
  )
  expect(JSON.stringify([verdict, lines])).not.toContain(TOKEN)
  return { verdict, requests: server.requests }
}

function readerOf(values: Readonly<Record<string, string>> | undefined) {
  const asked: object[] = []
  const secrets: SecretReader = {
    read: async (ref) => {
      asked.push(ref)
      return values
    },
  }
  return { secrets, asked }
}

test('the Secret of a template lies beside it, and its values reach the server only', async () => {
  const { secrets, asked } = readerOf({ token: TOKEN })
  const { verdict, requests } = await measure({ secrets })
  expect(verdict).toMatchObject({ state: 'passed', value: 3, query: '/' })
  expect(requests.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${TOKEN}`])
  expect(asked).toEqual([{ namespace: 'team-a', name: 'credentials' }])
})

test('that of a cluster-wide template lies beside the Canary', async () => {
  const { secrets, asked } = readerOf({ token: TOKEN })
  await measure({ secrets, namespace: '' })
  expect(asked).toEqual([{ namespace: 'shop', name: 'credentials' }])
})

test('a token that the server repeats where the number should be stays out of the verdict', async () => {
  const { secrets } = readerOf({ token: TOKEN })
  const { verdict } = await measure({ secrets, handler: answer(200, {}, `{"value":"${TOKEN}"}`) })
  expect(verdict).toMatchObject({ state: 'query-error', message: expect.stringContaining('has a string at value') })
})

const unread = { query: '/' }

test.each([
  ['that does not exist', readerOf(undefined).secrets, 'query-error', 'does not exist'],
  ['that nobody can read here', undefined, 'query-error', 'can not be read here'],
  [
    'that could not be read',
    { read: () => Promise.reject(new Error('the API server is away')) },
    'provider-down',
    'could not be read: the API server is away',
  ],
] as const)('a Secret %s', async (_, secrets, state, message) => {
  const { verdict, requests } = await measure(secrets === undefined ? {} : { secrets })
  expect(verdict).toMatchObject({
    ...unread,
    state,
    message: `the Secret team-a/credentials of the template ${message}`,
  })
  expect(requests).toEqual([])
})
