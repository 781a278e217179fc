import { expect, test } from 'vitest'
import { createStackdriverProvider } from '../../../src/analysis/providers/stackdriver.ts'
import { systemClock } from '../../../src/runtime/index.ts'
import { answer, startServer } from '../../support/http-server.ts'
import { TOKEN, WINDOW } from './dialects/dialect.ts'

async function ask(secret: Readonly<Record<string, string>>, status = 200) {
  await using server = await startServer((response, request) =>
    request.method === 'GET'
      ? answer(status, {}, JSON.stringify({ access_token: TOKEN }))(response, request)
      : answer(400, {}, JSON.stringify({ error: { message: `bad ${TOKEN}` } }))(response, request),
  )
  const answered = await createStackdriverProvider({
    provider: { type: 'stackdriver', address: server.url },
    metricsServer: '',
    secret: { project: 'p', ...secret },
    clock: systemClock,
    environment: { GCE_METADATA_HOST: `127.0.0.1:${server.port}` },
  }).newest('fetch x', WINDOW, AbortSignal.timeout(120_000))
  return { answered, requests: server.requests }
}

test('without a key the token is that of the machine, and no message repeats it', async () => {
  const { answered, requests } = await ask({})
  expect(answered).toEqual({ kind: 'query-error', message: expect.stringMatching(/: HTTP 400 bad \*\*\*$/) })
  expect(requests.map(({ path, headers }) => [path, headers])).toEqual([
    [
      '/computeMetadata/v1/instance/service-accounts/default/token',
      expect.objectContaining({ 'metadata-flavor': 'Google' }),
    ],
    ['/v3/projects/p/timeSeries:query', expect.objectContaining({ authorization: `Bearer ${TOKEN}` })],
  ])
})

test.each([
  ['a machine without an account', {}, 404, 'query-error', 'no access token: HTTP 404'],
  ['a metadata server that fails', {}, 503, 'provider-down', 'no access token: HTTP 503'],
  [
    'a key file that is none',
    { serviceAccountKey: '{}' },
    200,
    'query-error',
    'the key serviceAccountKey of the Secret is no key file of a service account',
  ],
  [
    'a key that is none',
    { serviceAccountKey: '{"client_email":"a","private_key":"b","token_uri":"http://127.0.0.1:1"}' },
    200,
    'query-error',
    'the private_key of serviceAccountKey is no RSA key',
  ],
] as const)('%s', async (...[_, secret, status, kind, message]) => {
  const { answered } = await ask(secret, status)
  expect(answered).toEqual({ kind, message: expect.stringMatching(new RegExp(`: ${message}$`)) })
})
