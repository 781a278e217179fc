import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signForAws } from '../../../src/analysis/providers/aws-signature.ts'
import { createCloudWatchProvider } from '../../../src/analysis/providers/cloudwatch.ts'
import { systemClock } from '../../../src/runtime/index.ts'
import { answer, type Handler, startServer } from '../../support/http-server.ts'
import { TOKEN, WINDOW } from './dialects/dialect.ts'

test('the signature is that of the example in the documentation of AWS', () => {
  const signed = signForAws(
    {
      method: 'GET',
      url: 'https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08',
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: '',
    },
    { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
    { region: 'us-east-1', service: 'iam', atMs: Date.UTC(2015, 7, 30, 12, 36) },
  )
  expect(signed.authorization).toBe(
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  )
})

describe('ambient credentials', () => {
  let directory: string
  let file: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sluice-aws-'))
    file = join(directory, 'token')
    await writeFile(file, 'pod-token\n')
  })
  afterAll(() => rm(directory, { recursive: true }))

  async function ask(environmentAt: (url: string) => Readonly<Record<string, string>>, before: Handler) {
    const empty = answer(200, {}, '{"MetricDataResults":[]}')
    await using server = await startServer((response, request) =>
      (request.method === 'GET' ? before : empty)(response, request),
    )
    const answered = await createCloudWatchProvider({
      provider: { type: 'cloudwatch', region: 'eu-central-1', address: server.url },
      metricsServer: '',
      secret: {},
      clock: systemClock,
      environment: environmentAt(server.url),
    }).newest('[]', WINDOW, AbortSignal.timeout(120_000))
    expect(JSON.stringify(answered)).not.toMatch(/pod-token|planted/)
    return { answered, requests: server.requests }
  }

  const keys = { AccessKeyId: 'ASIAEXAMPLE', SecretAccessKey: TOKEN }
  const signed = expect.objectContaining({
    authorization: expect.stringContaining('Credential=ASIAEXAMPLE/'),
    'x-amz-security-token': 'session',
  })

  test('of the process', async () => {
    const environment = { AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE', AWS_SECRET_ACCESS_KEY: TOKEN, AWS_SESSION_TOKEN: 'session' }
    const { answered, requests } = await ask(() => environment, answer(500))
    expect(answered).toEqual({ kind: 'samples', samples: [] })
    expect(requests.map(({ headers }) => headers)).toEqual([signed])
  })

  test('of EKS Pod Identity', async () => {
    const { answered, requests } = await ask(
      (url) => ({
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/v1/credentials`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
      }),
      answer(200, {}, JSON.stringify({ ...keys, Token: 'session' })),
    )
    expect(answered).toEqual({ kind: 'samples', samples: [] })
    expect(requests.map(({ path, headers }) => [path, headers])).toEqual([
      ['/v1/credentials', expect.objectContaining({ authorization: 'pod-token' })],
      ['/', signed],
    ])
  })

  const roleAt = (url: string) => ({
    AWS_ROLE_ARN: 'arn:aws:iam::1:role/sluice',
    AWS_WEB_IDENTITY_TOKEN_FILE: file,
    AWS_ENDPOINT_URL_STS: url,
  })

  test('of a role for the service account', async () => {
    const credentials = {
      AssumeRoleWithWebIdentityResponse: {
        AssumeRoleWithWebIdentityResult: { Credentials: { ...keys, SessionToken: 'session' } },
      },
    }
    const { answered, requests } = await ask(roleAt, answer(200, {}, JSON.stringify(credentials)))
    expect(answered).toEqual({ kind: 'samples', samples: [] })
    const [signIn, question] = requests
    expect(Object.fromEntries(new URLSearchParams(signIn?.path.slice(2)))).toEqual({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: 'arn:aws:iam::1:role/sluice',
      RoleSessionName: 'sluice',
      WebIdentityToken: 'pod-token',
    })
    expect(question?.headers).toEqual(signed)
  })

  test.each([
    [
      'a role that is refused',
      answer(403, {}, 'pod-token'),
      'query-error',
      'AWS STS: HTTP 403: it refuses these credentials',
    ],
    ['a service that fails', answer(503), 'provider-down', 'AWS STS: HTTP 503'],
    ['an answer without credentials', answer(200, {}, '{}'), 'provider-down', 'AWS STS gave no credentials'],
  ])('%s', async (_, handler, kind, message) => {
    const { answered } = await ask(roleAt, handler)
    expect(answered).toEqual({ kind, message: expect.stringMatching(new RegExp(`: ${message}$`)) })
  })

  test('none at all', async () => {
    const { answered, requests } = await ask(() => ({}), answer(500))
    expect(answered).toEqual({ kind: 'query-error', message: expect.stringContaining('there are no AWS credentials') })
    expect(requests).toEqual([])
  })
})
