import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { destinationRuleKind, secretKind, serviceEntryKind } from '../../../src/api/index.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/directory.ts'
import { eventually } from '../../support/eventually.ts'
import { destinationRuleOf, serviceEntryOf, serviceOf } from '../../support/mesh-objects.ts'
import { type Backend, get, startBackend } from '../../support/mesh-world.ts'
import { createTlsAuthority, secretOf, type TlsAuthority, tlsFiles } from '../../support/tls-authority.ts'
import { startTrafficWorld, type TrafficWorld } from '../../support/traffic-world.ts'

let world: TrafficWorld
let web: Backend
let server: Server
let files: TemporaryDirectory
let authority: TlsAuthority
const seen: { readonly serverName: unknown; readonly client: string }[] = []
beforeAll(async () => {
  authority = await createTlsAuthority()
  world = await startTrafficWorld({
    pods: [{ name: 'client-0' }, { name: 'web-0' }],
    services: [{ service: serviceOf('web'), pods: ['web-0'] }],
  })
  web = await startBackend('web', world.appAddress('web-0'))
  files = await temporaryDirectory()
  const client = await authority.issue(['client.example'])
  await writeFile(pathOf('ca.pem'), authority.root)
  await writeFile(pathOf('foreign.pem'), (await createTlsAuthority()).root)
  await writeFile(pathOf('client.pem'), client.certificateChain)
  await writeFile(pathOf('client.key'), client.privateKey)
  const { certificateChain: cert, privateKey: key } = await authority.issue(['api.example.com'])
  server = createServer(
    { cert, key, ca: authority.root, requestCert: true, rejectUnauthorized: false },
    (asked, answer) => {
      const socket = asked.socket as TLSSocket & { readonly servername?: unknown }
      const client = socket.authorized ? String(socket.getPeerX509Certificate()?.subjectAltName) : 'nobody'
      seen.push({ serverName: socket.servername, client })
      answer.end('outside')
    },
  )
  await new Promise<void>((resolve) => server.listen(8443, `${world.prefix}.200.1`, resolve))
  await world.place(
    serviceEntryKind,
    serviceEntryOf('api', {
      hosts: ['api.example.com'],
      ports: [
        { number: 80, name: 'http', protocol: 'HTTP', targetPort: 8443 },
        { number: 8080, name: 'http-other', protocol: 'HTTP', targetPort: 8443 },
      ],
      resolution: 'STATIC',
      endpoints: [{ address: `${world.prefix}.200.1`, labels: { version: 'v1' } }],
    }),
  )
})
afterAll(async () => {
  server?.closeAllConnections()
  server?.close()
  await web?.stop()
  await world?.stop()
  await files?.[Symbol.asyncDispose]()
})

const pathOf = (name: string) => join(files.path, name)
const ask = async (host = 'api.example.com', pod = 'client-0') => {
  const { status, body } = await get(`http://${world.envoy(pod).address}:15080`, { headers: { host } })
  return status === 200 ? body : status
}
const placeRule = (trafficPolicy: object, host = 'api.example.com') =>
  world.place(destinationRuleKind, destinationRuleOf(host, { host, trafficPolicy }))
/** The answer may still come from the rule before. */
const untilAnswer = (answer: string | number, host?: string) =>
  eventually(async () => expect(await ask(host)).toBe(answer))

test('a certificate is asked of the server, by the name of the request and the authority that is named', async () => {
  await placeRule({ tls: { mode: 'SIMPLE', caCertificates: pathOf('ca.pem') } })
  await untilAnswer('outside')
  expect(seen.at(-1)).toEqual({ serverName: 'api.example.com', client: 'nobody' })
  await placeRule({ tls: { mode: 'SIMPLE', caCertificates: pathOf('foreign.pem') } })
  await untilAnswer(503)
  // Nobody knows an authority that was made a moment ago.
  await placeRule({ tls: { mode: 'SIMPLE', insecureSkipVerify: true } })
  await untilAnswer('outside')
  await placeRule({ tls: { mode: 'SIMPLE' } })
  await untilAnswer(503)
  expect(await world.envoy('client-0').admin('/config_dump?resource=dynamic_active_secrets')).toContain(
    'file-root:system',
  )
})

test('names that the rule gives take the place of the request’s', async () => {
  const tls = { mode: 'SIMPLE', caCertificates: pathOf('ca.pem') }
  await placeRule({
    tls: { ...tls, subjectAltNames: ['other.example.com', 'api.example.com'], sni: 'asked.example.com' },
  })
  await eventually(async () => {
    expect(await ask()).toBe('outside')
    expect(seen.at(-1)?.serverName).toBe('asked.example.com')
  })
  await placeRule({ tls: { ...tls, subjectAltNames: ['other.example.com'] } })
  await untilAnswer(503)
  await placeRule({ tls: { ...tls, sni: 'asked.example.com' } })
  await untilAnswer(503)
})

test('the proxy shows the certificate that it is given', async () => {
  const certificate = { clientCertificate: pathOf('client.pem'), privateKey: pathOf('client.key') }
  await placeRule({ tls: { mode: 'MUTUAL', caCertificates: pathOf('ca.pem'), ...certificate } })
  await eventually(async () => {
    expect(await ask()).toBe('outside')
    expect(seen.at(-1)?.client).toBe('DNS:client.example')
  })
})

test('a port has its own settings, and what they leave out is no TLS', async () => {
  await placeRule({
    tls: { mode: 'SIMPLE', insecureSkipVerify: true },
    portLevelSettings: [{ port: { number: 8080 }, connectionPool: { tcp: { maxConnections: 7 } } }],
  })
  await untilAnswer('outside')
  await untilAnswer(503, 'api.example.com:8080')
})

test('what a rule says comes before what pods would take of themselves', async () => {
  const callerOf = async () => {
    expect(await ask('web.shop')).toBe('web')
    return web.requests.at(-1)?.headers['x-forwarded-client-cert']
  }
  await eventually(async () => expect(await callerOf()).toContain('URI=spiffe://'))
  await placeRule({ tls: { mode: 'DISABLE' } }, 'web')
  await eventually(async () => expect(await callerOf()).toBeUndefined())
  await placeRule({ tls: { mode: 'ISTIO_MUTUAL' } }, 'web')
  await eventually(async () => expect(await callerOf()).toContain('URI=spiffe://'))
  await placeRule(
    { tls: { mode: 'ISTIO_MUTUAL', subjectAltNames: ['spiffe://cluster.local/ns/shop/sa/other'] } },
    'web',
  )
  await untilAnswer(503, 'web.shop')
  // A process outside of the mesh does not speak its TLS.
  await placeRule({ tls: { mode: 'ISTIO_MUTUAL' } })
  await untilAnswer(503)
})

describe('a Secret', () => {
  const rule = (tls: object) =>
    world.place(destinationRuleKind, {
      ...destinationRuleOf('api.example.com', {
        host: 'api.example.com',
        workloadSelector: { matchLabels: { app: 'client' } },
        trafficPolicy: { tls: { credentialName: 'client-cert', ...tls } },
      }),
    })
  const place = async (namespace: string, names: readonly string[], root = authority.root) => {
    const leaf = await authority.issue(names)
    await world.place(secretKind, secretOf('client-cert', namespace, { ...tlsFiles(leaf), 'ca.crt': root }))
  }
  const condition = () =>
    world.api
      .list(destinationRuleKind)
      .find(({ metadata }) => metadata.name === 'api.example.com')
      ?.status?.conditions?.find(({ type }) => type === 'Programmed')
  /** What a Secret holds counts for new connections. */
  const askAnew = () => {
    server.closeIdleConnections()
    return ask()
  }
  const untilClient = (name: string) =>
    eventually(async () => {
      expect(await askAnew()).toBe('outside')
      expect(seen.at(-1)?.client).toBe(name)
    })

  test('that is missing sends nothing in another way, and is named until it is there', async () => {
    await placeRule({ tls: { mode: 'SIMPLE', insecureSkipVerify: true } })
    await untilAnswer('outside')
    await place('other', ['elsewhere.example'])
    await rule({ mode: 'MUTUAL' })
    await untilAnswer(503)
    await eventually(async () =>
      expect(condition()).toMatchObject({
        status: 'False',
        reason: 'CredentialUnavailable',
        message:
          'spec.trafficPolicy.tls.credentialName: there is no Secret shop/client-cert; ' +
          'neither Secret shop/client-cert nor Secret shop/client-cert-cacert has a ca.crt; ' +
          'proxies of shop send nothing to api.example.com meanwhile',
      }),
    )
    await place('shop', ['first.example'])
    await untilClient('DNS:first.example')
    await eventually(async () => expect(condition()).toMatchObject({ status: 'True', reason: 'Programmed' }))
    await place('shop', ['second.example'])
    await untilClient('DNS:second.example')
  })

  test('is for the workloads alone that the rule selects', async () => {
    const secrets = (pod: string) => world.envoy(pod).admin('/config_dump?resource=dynamic_active_secrets')
    expect(await secrets('client-0')).toContain('kubernetes://client-cert')
    expect(await secrets('web-0')).not.toContain('kubernetes://client-cert')
    expect(await ask('api.example.com', 'web-0')).not.toBe('outside')
  })

  test('holds the authority of the server, with which the certificate is shown or not', async () => {
    await rule({ mode: 'SIMPLE' })
    await untilClient('nobody')
    await place('shop', ['third.example'], (await createTlsAuthority()).root)
    await eventually(async () => expect(await askAnew()).toBe(503))
    await rule({ mode: 'MUTUAL', insecureSkipVerify: true })
    await untilClient('DNS:third.example')
  })
})
