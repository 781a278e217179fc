import { createServer } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  authorizationPolicyKind,
  destinationRuleKind,
  type Gateway,
  gatewayKind,
  publishedPort,
  type ResourceKind,
  requestAuthenticationKind,
  secretKind,
  serviceEntryKind,
  virtualServiceKind,
} from '../../../src/api/index.ts'
import { eventually } from '../../support/eventually.ts'
import { createTokenIssuer } from '../../support/json-web-token.ts'
import {
  destinationRuleOf,
  gatewayOf,
  namespaceOf,
  serviceEntryOf,
  serviceOf,
  virtualServiceOf,
} from '../../support/mesh-objects.ts'
import { type Backend, get, startBackend } from '../../support/mesh-world.ts'
import {
  askTls,
  createTlsAuthority,
  openHttp2,
  secretOf,
  serialOf,
  type TlsAsk,
  type TlsAuthority,
  tlsFiles,
} from '../../support/tls-authority.ts'
import { startTrafficWorld, type TrafficWorld } from '../../support/traffic-world.ts'

let world: TrafficWorld
let apps: readonly Backend[] = []
let authority: TlsAuthority
beforeAll(async () => {
  authority = await createTlsAuthority()
  world = await startTrafficWorld({
    pods: [
      { name: 'web-0' },
      { name: 'other-0' },
      { name: 'gateway-0', namespace: 'ingress', isGateway: true, labels: { istio: 'ingress' } },
    ],
    services: [
      { service: serviceOf('web'), pods: ['web-0'] },
      { service: serviceOf('other'), pods: ['other-0'] },
    ],
    namespaces: [namespaceOf(), namespaceOf('ingress')],
  })
  apps = await Promise.all(['web', 'other'].map((name) => startBackend(name, world.appAddress(`${name}-0`))))
  await placeRoutes('web', ['shop.example'])
  await placeRoutes('other', ['a.other.example', 'shop.example.org'])
})
afterAll(async () => {
  for (const app of apps) await app.stop()
  await world?.stop()
})

const placeRoutes = (name: string, hosts: readonly string[], gateways = ['ingress/public']) =>
  world.place(
    virtualServiceKind,
    virtualServiceOf(name, { hosts, gateways, http: [{ route: [{ destination: { host: name } }] }] }),
  )
const placeSecret = (name: string, files: Readonly<Record<string, string>>, namespace = 'ingress') =>
  world.place(secretKind, secretOf(name, namespace, files))
const placeGateway = (servers: readonly object[], name = 'public') =>
  world.place(
    gatewayKind,
    gatewayOf(
      name,
      { selector: { istio: 'ingress' }, servers: servers as Gateway['spec']['servers'] },
      {
        namespace: 'ingress',
      },
    ),
  )
const conditionOf = (name = 'public') =>
  world.api
    .list(gatewayKind)
    .find(({ metadata }) => metadata.name === name)
    ?.status?.conditions?.find(({ type }) => type === 'Programmed')

const address = () => world.envoy('gateway-0').address
const on = (serverName: string, rest: Partial<TlsAsk> = {}): TlsAsk => ({
  address: address(),
  port: publishedPort(443),
  serverName,
  ca: authority.root,
  ...rest,
})
const ask = async (serverName: string, rest: Partial<TlsAsk> = {}) => {
  const { status, body } = await askTls(on(serverName, rest))
  return status === 200 ? body : status
}

const https = (name: string, hosts: readonly string[], tls: object) => ({
  port: { number: 443, name, protocol: 'HTTPS' },
  hosts,
  tls: { mode: 'SIMPLE', credentialName: name, ...tls },
})
const shop = https('shop-cert', ['shop.example'], {})

test('servers of one port are told apart by name, each with its own certificate, in HTTP/1.1 and HTTP/2', async () => {
  await placeSecret('shop-cert', tlsFiles(await authority.issue(['shop.example'])))
  // Istio's older names.
  const other = await authority.issue(['*.other.example'])
  await placeSecret('other-cert', { cert: other.certificateChain, key: other.privateKey })
  await placeGateway([
    shop,
    https('other-cert', ['*.other.example'], {}),
    { port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'], tls: { httpsRedirect: true } },
  ])
  await eventually(async () => expect(await ask('shop.example')).toBe('web'))
  await eventually(async () => expect(await ask('a.other.example')).toBe('other'))
  // A name that nobody serves gets no certificate, and one server's handshake opens no other's routes.
  expect(await ask('unknown.example')).toBe(0)
  expect(await ask('shop.example', { host: 'a.other.example' })).toBe(404)
  const http2 = openHttp2(on('shop.example'))
  expect([await http2.ask(), http2.protocol()]).toEqual([200, 'h2'])
  http2.close()
  const plain = await get(`http://${address()}:${publishedPort(80)}/cart?id=1`, { headers: { host: 'shop.example' } })
  expect([plain.status, plain.headers.location]).toEqual([301, 'https://shop.example/cart?id=1'])
})

test('keys are known to the gateway alone', async () => {
  const dumps = await Promise.all(
    ['gateway-0', 'web-0'].map((name) => world.envoy(name).admin('/config_dump?resource=dynamic_active_secrets')),
  )
  expect(dumps.map((dump) => dump.includes('kubernetes://shop-cert'))).toEqual([true, false])
})

test('a certificate is replaced, and the control plane restarted, while open connections are served', async () => {
  const http2 = openHttp2(on('shop.example'))
  const answers: number[] = [await http2.ask()]
  const before = await serialOf(on('shop.example'))
  await placeSecret('shop-cert', tlsFiles(await authority.issue(['shop.example'])))
  await eventually(async () => {
    answers.push(await http2.ask())
    expect(await serialOf(on('shop.example'))).not.toBe(before)
  })
  const listeners = () => world.envoy('gateway-0').admin('/config_dump?resource=dynamic_listeners')
  const configured = await listeners()
  await world.restartMesh()
  await placeRoutes('web', ['shop.example', 'new.other.example'])
  await eventually(
    async () => {
      answers.push(await http2.ask())
      expect(await ask('new.other.example')).toBe('web')
    },
    { within: 60_000, what: 'the gateway hears of the new control plane' },
  )
  expect(new Set(answers)).toEqual(new Set([200]))
  expect(http2.isOpen()).toBe(true)
  expect(await listeners()).toBe(configured)
  http2.close()
})

test('a Secret that is missing or broken is named, and only its own server goes without', async () => {
  await placeGateway([shop, https('late-cert', ['a.other.example'], {})])
  await eventually(() =>
    expect(conditionOf()).toMatchObject({
      status: 'False',
      reason: 'CredentialUnavailable',
      message: 'spec.servers[1].tls.credentialName: there is no Secret ingress/late-cert',
    }),
  )
  expect(await ask('shop.example')).toBe('web')
  await eventually(async () => expect(await ask('a.other.example')).toBe(0))
  const leaf = await authority.issue(['a.other.example'])
  const [right, foreign] = [tlsFiles(leaf), tlsFiles(await authority.issue(['a.other.example']))]
  await placeSecret('late-cert', { ...right, 'tls.key': foreign['tls.key'] })
  await eventually(() => expect(conditionOf()?.message).toContain('is not the key of its tls.crt'))
  await placeSecret('late-cert', right)
  await eventually(async () => expect(await ask('a.other.example')).toBe('other'))
  await eventually(() => expect(conditionOf()).toMatchObject({ status: 'True' }))
  // What was right once is served on.
  await placeSecret('late-cert', { ...right, 'tls.crt': 'no certificate' })
  await eventually(() => expect(conditionOf()?.message).toContain('what was read before is still used'))
  expect(await ask('a.other.example')).toBe('other')
  expect(JSON.stringify(world.mesh().lines)).not.toContain('PRIVATE KEY')
})

test('clients show a certificate of the right authority and name', async () => {
  const [own, foreign] = [await createTlsAuthority(), await createTlsAuthority()]
  await placeSecret('shop-cert-cacert', { 'ca.crt': own.root })
  const clientOf = async (from: TlsAuthority, name: string) => {
    const { certificateChain: cert, privateKey: key } = await from.issue([name])
    return { cert, key }
  }
  const mutual = https('shop-cert', ['shop.example'], { mode: 'MUTUAL', subjectAltNames: ['client.example'] })
  await placeGateway([mutual])
  await eventually(async () => expect(await ask('shop.example')).toBe(0))
  expect(await ask('shop.example', await clientOf(foreign, 'client.example'))).toBe(0)
  expect(await ask('shop.example', await clientOf(own, 'stranger.example'))).toBe(0)
  const web = apps[0]
  expect(await ask('shop.example', await clientOf(own, 'client.example'))).toBe('web')
  expect(web?.requests.at(-1)?.headers['x-forwarded-client-cert']).toContain('DNS=client.example')
  await placeGateway([https('shop-cert', ['shop.example'], { mode: 'OPTIONAL_MUTUAL' })])
  await eventually(async () => expect(await ask('shop.example')).toBe('web'))
  expect(await ask('shop.example', await clientOf(foreign, 'client.example'))).toBe(0)
})

test('versions and cipher suites are those that the server allows', async () => {
  await placeGateway([https('shop-cert', ['shop.example'], { minProtocolVersion: 'TLSV1_3' })])
  await eventually(async () => expect(await ask('shop.example', { maxVersion: 'TLSv1.2' })).toBe(0))
  expect(await ask('shop.example')).toBe('web')
  const suite = 'ECDHE-ECDSA-CHACHA20-POLY1305'
  await placeGateway([https('shop-cert', ['shop.example'], { maxProtocolVersion: 'TLSV1_2', cipherSuites: [suite] })])
  await eventually(async () => expect(await ask('shop.example', { minVersion: 'TLSv1.3' })).toBe(0))
  expect(await ask('shop.example', { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).toBe(0)
  expect(await ask('shop.example', { ciphers: suite })).toBe('web')
})

test('a host may be kept to the routes of one namespace', async () => {
  await placeGateway([https('shop-cert', ['shop/shop.example'], {})])
  await eventually(async () => expect(await ask('shop.example')).toBe('web'))
  await placeGateway([https('shop-cert', ['ingress/shop.example'], {})])
  await eventually(async () => expect(await ask('shop.example')).toBe(404))
})

test('two servers for one name and two protocols on one port: the older keeps them, and the other is told', async () => {
  await placeGateway([shop])
  await placeGateway(
    [
      https('shop-cert', ['shop.example', 'shop.example.org'], {}),
      { port: { number: 443, name: 'plain', protocol: 'HTTP' }, hosts: ['*'] },
    ],
    'younger',
  )
  await placeRoutes('other', ['shop.example.org'], ['ingress/younger'])
  await eventually(async () => {
    const { status } = await askTls(on('shop.example.org', { checkServerIdentity: () => undefined }))
    expect(status).toBe(200)
  })
  expect(await ask('shop.example')).toBe('web')
  await eventually(() =>
    expect(conditionOf('younger')).toMatchObject({
      reason: 'Conflict',
      message: [
        'spec.servers[1].port: 443 is served as HTTPS for the Gateway ingress/public already',
        'spec.servers[0].hosts: shop.example is served on port 443 for spec.servers[0] of the Gateway ingress/public already',
      ].join('; '),
    }),
  )
})

/** Says whose certificate it was shown. */
async function startUpstream(names: TlsAuthority) {
  const { certificateChain: cert, privateKey: key } = await names.issue(['api.example.com'])
  const server = createServer({ cert, key, ca: names.root, requestCert: true }, ({ socket }, answer) => {
    const { subjectAltName } = (socket as TLSSocket).getPeerX509Certificate() ?? {}
    answer.end(subjectAltName)
  })
  await new Promise<void>((resolve) => server.listen(8443, `${world.prefix}.200.1`, resolve))
  return {
    /** A new certificate counts for new connections. */
    closeIdle: () => server.closeIdleConnections(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('a host that asks for certificates is shown that of a Secret by the gateway, which shows its own to clients', async () => {
  await using upstream = await startUpstream(authority)
  const host = 'api.example.com'
  await world.place(
    serviceEntryKind,
    serviceEntryOf('api', {
      hosts: [host],
      ports: [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: 8443 }],
      resolution: 'STATIC',
      endpoints: [{ address: `${world.prefix}.200.1` }],
    }),
  )
  await world.place(
    destinationRuleKind,
    destinationRuleOf('api', {
      host,
      trafficPolicy: { tls: { mode: 'MUTUAL', credentialName: 'api-client', sni: host } },
    }),
  )
  await placeRoutes(host, [host])
  await placeGateway([https('api-cert', [host], {})])
  await placeSecret('api-cert', tlsFiles(await authority.issue([host])))
  // Nothing is sent in another way.
  await eventually(async () => expect(await ask(host)).toBe(503))
  for (const client of ['first.example', 'second.example']) {
    await placeSecret('api-client', { ...tlsFiles(await authority.issue([client])), 'ca.crt': authority.root })
    await eventually(async () => {
      upstream.closeIdle()
      expect(await ask(host)).toBe(`DNS:${client}`)
    })
  }
  const secrets = (pod: string) => world.envoy(pod).admin('/config_dump?resource=dynamic_active_secrets')
  expect(await secrets('gateway-0')).toContain('kubernetes://api-client')
  expect(await secrets('web-0')).not.toContain('kubernetes://api-client')
})

describe('policies that select a gateway', () => {
  const plain = { port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }
  const selector = { matchLabels: { istio: 'ingress' } }
  const kinds: readonly ResourceKind[] = [authorizationPolicyKind, requestAuthenticationKind]
  const policyOf = (kind: string, name: string, spec: object) => ({
    ...{ apiVersion: 'security.istio.io/v1', kind },
    metadata: { name, namespace: 'ingress' },
    spec: { selector, ...spec },
  })
  const authorize = (name: string, spec: object) =>
    world.place(authorizationPolicyKind, policyOf('AuthorizationPolicy', name, spec))
  const askPlain = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    const url = `http://${address()}:${publishedPort(80)}${path}`
    const { status, body } = await get(url, { headers: { host: 'shop.example', ...headers } })
    return status === 200 ? body : status
  }
  const untilAnswers = (ask: () => Promise<string | number>, answer: string | number) =>
    eventually(async () => expect(await ask()).toBe(answer))

  afterEach(async () => {
    const kubernetes = world.api.client('test')
    for (const kind of kinds) {
      for (const object of world.api.list(kind)) await kubernetes.delete(kind, object.metadata)
    }
  })

  test('say which requests it takes, by the port of its server too', async () => {
    await placeGateway([plain, shop])
    await untilAnswers(() => askPlain('/admin'), 'web')
    await authorize('no-admin', {
      action: 'DENY',
      rules: [{ to: [{ operation: { paths: ['/admin', '/admin/*'], ports: ['80'] } }] }],
    })
    await untilAnswers(() => askPlain('/admin'), 403)
    expect([await askPlain('//admin'), await askPlain('/admin/y'), await askPlain('/')]).toEqual([403, 403, 'web'])
    expect(await ask('shop.example', { path: '/admin' })).toBe('web')
  })

  test('ask for tokens, whose claims lead to routes', async () => {
    const issuer = createTokenIssuer('https://auth.example.com')
    const to = (host: string) => [{ destination: { host } }]
    await world.place(
      virtualServiceKind,
      virtualServiceOf('web', {
        hosts: ['shop.example'],
        gateways: ['ingress/public'],
        http: [{ match: [{ headers: { 'x-group': { exact: 'testers' } } }], route: to('other') }, { route: to('web') }],
      }),
    )
    await placeGateway([plain])
    await untilAnswers(() => askPlain('/', { 'x-group': 'testers' }), 'other')
    const jwtRules = [
      {
        issuer: 'https://auth.example.com',
        jwks: issuer.keySet,
        outputClaimToHeaders: [{ header: 'x-group', claim: 'group' }],
      },
    ]
    await world.place(requestAuthenticationKind, policyOf('RequestAuthentication', 'tokens', { jwtRules }))
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
    await untilAnswers(() => askPlain('/', bearer('nonsense')), 401)
    expect(await askPlain('/')).toBe('web')
    await authorize('tokens', { rules: [{ from: [{ source: { requestPrincipals: ['*'] } }] }] })
    await untilAnswers(() => askPlain('/'), 403)
    expect(await askPlain('/', bearer(issuer.tokenOf()))).toBe('web')
    expect(await askPlain('/', bearer(issuer.tokenOf({ group: 'testers' })))).toBe('other')
    // What a client says of itself is not believed.
    expect(await askPlain('/', { ...bearer(issuer.tokenOf()), 'x-group': 'testers' })).toBe('web')
    await placeRoutes('web', ['shop.example'])
  })

  test('know a principal by the certificate that a client shows alone', async () => {
    const own = await createTlsAuthority()
    await placeSecret('shop-cert-cacert', { 'ca.crt': own.root })
    await placeGateway([https('shop-cert', ['shop.example'], { mode: 'OPTIONAL_MUTUAL' })])
    const { certificateChain: cert, privateKey: key } = await own.issue(['client.example'])
    await untilAnswers(() => ask('shop.example', { cert, key }), 'web')
    await authorize('known', { rules: [{ from: [{ source: { principals: ['*'] } }] }] })
    await untilAnswers(() => ask('shop.example'), 403)
    expect(await ask('shop.example', { cert, key })).toBe('web')
  })
})
