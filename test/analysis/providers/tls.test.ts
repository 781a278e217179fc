import { beforeAll, expect, test } from 'vitest'
import { createWebProvider } from '../../../src/analysis/providers/web.ts'
import { systemClock } from '../../../src/runtime/index.ts'
import { createCertificate } from '../../support/certificate.ts'
import { answer, startServer } from '../../support/http-server.ts'
import { WINDOW } from './dialects/dialect.ts'

type Pair = Awaited<ReturnType<typeof createCertificate>>

let server: Pair
let client: Pair

beforeAll(async () => {
  server = await createCertificate()
  client = await createCertificate('sluice')
})

async function ask(tls: object & Pair, secret: Readonly<Record<string, string>>, insecureSkipVerify = false) {
  await using running = await startServer(answer(200, {}, '{"value":3}'), tls)
  const provider = createWebProvider({
    provider: { type: 'web', address: running.url, jsonPath: 'value', insecureSkipVerify },
    metricsServer: '',
    secret,
    clock: systemClock,
    environment: {},
  })
  const answered = await provider.newest('/', WINDOW, AbortSignal.timeout(120_000))
  return answered.kind === 'samples' ? answered.samples : `${answered.kind} ${answered.message}`
}

const three = [{ labels: {}, value: 3 }]

test('an unknown authority is no server', async () => {
  expect(await ask(server, {})).toMatch(/^provider-down .*self-signed certificate/)
})

test('the authority of the Secret is trusted', async () => {
  expect(await ask(server, { 'ca.crt': server.cert })).toEqual(three)
})

test('another authority is not', async () => {
  expect(await ask(server, { 'ca.crt': client.cert })).toMatch(/^provider-down /)
})

test('insecureSkipVerify trusts any', async () => {
  expect(await ask(server, {}, true)).toEqual(three)
})

test('a server that wants a certificate gets that of the Secret', async () => {
  const mutual = { ...server, ca: client.cert, requestCert: true, rejectUnauthorized: true }
  const trust = { 'ca.crt': server.cert }
  expect(await ask(mutual, { ...trust, 'tls.crt': client.cert, 'tls.key': client.key })).toEqual(three)
  expect(await ask(mutual, trust)).toMatch(/^provider-down /)
})

test('a key that is none is named without being shown', async () => {
  const answered = await ask(server, { 'ca.crt': server.cert, 'tls.crt': client.cert, 'tls.key': 'planted-token' })
  expect(answered).not.toContain('planted-token')
  expect(answered).toMatch(/^(provider-down|query-error) the web server at https:/)
})
