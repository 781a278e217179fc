import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  authorizationPolicyKind,
  type DestinationRule,
  destinationRuleKind,
  gatewayKind,
  type KubernetesObject,
  type NetworkingStatus,
  type ResourceKind,
  requestAuthenticationKind,
  serviceEntryKind,
  sidecarKind,
  telemetryKind,
  virtualServiceKind,
} from '../../../src/api/index.ts'
import { eventually } from '../../support/eventually.ts'
import {
  destinationRuleOf,
  gatewayOf,
  serviceEntryOf,
  serviceOf,
  sidecarOf,
  telemetryOf,
  virtualServiceOf,
} from '../../support/mesh-objects.ts'
import { type Backend, get, startBackend } from '../../support/mesh-world.ts'
import { startTrafficWorld, type TrafficWorld } from '../../support/traffic-world.ts'

const jwks = JSON.stringify({
  keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })],
})
let world: TrafficWorld
let web: Backend

/** One Service is spoilt again and again; the other one is nobody's business. */
beforeAll(async () => {
  world = await startTrafficWorld({
    pods: [
      { name: 'client-0' },
      { name: 'web-0', labels: { version: 'v1' } },
      { name: 'gateway-0', isGateway: true, labels: { istio: 'ingress' } },
    ],
    services: [
      { service: serviceOf('web'), pods: ['web-0'] },
      { service: serviceOf('other'), pods: ['web-0'] },
    ],
  })
  web = await startBackend('web', world.appAddress('web-0'))
})
afterAll(async () => {
  await web?.stop()
  await world?.stop()
})

const good = {
  http: [
    { route: [{ destination: { host: 'web', subset: 'v1' } }], headers: { response: { set: { 'x-good': '1' } } } },
  ],
}
const versions = (trafficPolicy?: object): DestinationRule =>
  destinationRuleOf('web', {
    host: 'web',
    subsets: [{ name: 'v1', labels: { version: 'v1' } }],
    ...(trafficPolicy === undefined ? {} : { trafficPolicy }),
  })
const routed = (http: object) => virtualServiceOf('web', { http: [http] })

interface Judged extends KubernetesObject {
  readonly status?: NetworkingStatus
}

async function untilCondition<T extends Judged>(kind: ResourceKind<T>, name: string, expected: object): Promise<void> {
  await eventually(
    () => {
      const object = world.api.list(kind).find(({ metadata }) => metadata.name === name)
      const [condition] = object?.status?.conditions ?? []
      expect(condition).toMatchObject({ ...expected, observedGeneration: object?.metadata.generation })
    },
    { within: 30_000 },
  )
}

/** The last good configuration answers, and the other Service as ever. */
async function expectGood(): Promise<void> {
  const answers = [await get(world.url('client-0', 'shop/web')), await get(world.url('client-0', 'shop/other'))]
  expect(answers.map(({ status, headers }) => [status, headers['x-good']])).toEqual([
    [200, '1'],
    [200, undefined],
  ])
}

async function placeGood(): Promise<void> {
  await world.place(destinationRuleKind, versions())
  await world.place(virtualServiceKind, virtualServiceOf('web', good))
  await untilCondition(virtualServiceKind, 'web', { status: 'True', reason: 'Programmed' })
  await expectGood()
}

const route = [{ destination: { host: 'web', subset: 'v1' } }]

test.each([
  [
    'a subset that there is not',
    routed({ route: [{ destination: { host: 'web', subset: 'v9' } }] }),
    'DestinationNotFound',
    'spec.http[0]: no DestinationRule gives web.shop.svc.cluster.local a subset "v9"; the version before stays in force',
  ],
  [
    'weights that sum to zero',
    routed({ route: [...route, ...route].map((each) => ({ ...each, weight: 0 })) }),
    'Invalid',
    'spec.http[0].route: the weights of several destinations must sum to more than 0',
  ],
  [
    'an expression that RE2 refuses',
    routed({ match: [{ uri: { regex: '/(?!a)' } }], route }),
    'Invalid',
    'spec.http[0].match[0].uri.regex: must be an RE2 expression: invalid or unsupported Perl syntax: `(?!`; RE2 has no look-around and no back references',
  ],
  [
    'what every Envoy rejects',
    routed({ match: [{ headers: { 'a\nb': { exact: 'x' } } }], route }),
    'Rejected',
    expect.stringMatching(/^proxies keep their last good configuration; .*client-0\.shop: .*HeaderMatcher/),
  ],
])('%s: the object says so, and what was in force stays', async (_, object, reason, message) => {
  await placeGood()
  await world.place(virtualServiceKind, object)
  await untilCondition(virtualServiceKind, 'web', { status: 'False', reason, message })
  await expectGood()
})

test('a second object for a host: the younger one says so and does nothing', async () => {
  await placeGood()
  const http = [{ route, ...{ fault: { abort: { percentage: { value: 100 }, httpStatus: 418 } } } }]
  const metadata = { creationTimestamp: '2031-01-01T00:00:00Z' }
  await world.place(virtualServiceKind, virtualServiceOf('again', { hosts: ['web'], http }, { metadata }))
  const message =
    'spec.hosts: web.shop.svc.cluster.local is routed by the older VirtualService shop/web; merge the two or delete one'
  await untilCondition(virtualServiceKind, 'again', { status: 'False', reason: 'Conflict', message })
  await expectGood()
  await untilCondition(virtualServiceKind, 'web', { status: 'True' })
})

test('a DestinationRule whose cluster Envoys reject says so, and says no more when it is right', async () => {
  await placeGood()
  const gone = '/gone/client.pem'
  const tls = { mode: 'MUTUAL', clientCertificate: gone, privateKey: gone, caCertificates: 'system' }
  await world.place(destinationRuleKind, versions({ tls }))
  const message = expect.stringMatching(
    /^proxies keep their last good configuration; .*client-0\.shop: .*\/gone\/client\.pem/,
  )
  await untilCondition(destinationRuleKind, 'web', { status: 'False', reason: 'Rejected', message })
  await expectGood()
  await placeGood()
  await untilCondition(destinationRuleKind, 'web', { status: 'True', reason: 'Programmed' })
})

describe('what Envoys reject is told to the object that it came from, and to no other', () => {
  const inForce = { status: 'True', reason: 'Programmed' }
  const rejectedBy = (pod: string, words: string) => ({
    status: 'False',
    reason: 'Rejected',
    message: expect.stringMatching(`^proxies keep their last good configuration; .*${pod}: .*${words}`),
  })
  const conditionsOf = (kind: ResourceKind<Judged>) =>
    Object.fromEntries(world.api.list(kind).map(({ metadata, status }) => [metadata.name, status?.conditions]))
  const policy = (kind: string, name: string, spec: object) => ({
    apiVersion: 'security.istio.io/v1',
    kind,
    metadata: { name, namespace: 'shop', generation: 1 },
    spec,
  })
  const anybody = policy('AuthorizationPolicy', 'anybody', { rules: [{}] })
  const nobody = (key: string) =>
    policy('AuthorizationPolicy', 'nobody', { action: 'DENY', rules: [{ when: [{ key, values: ['x'] }] }] })

  test('an AuthorizationPolicy', async () => {
    await placeGood()
    await world.place(authorizationPolicyKind, anybody)
    await world.untilConfigured('web-0', /policy\[anybody\]/)
    await world.place(authorizationPolicyKind, nobody('request.headers[a\nb]'))
    await untilCondition(authorizationPolicyKind, 'nobody', rejectedBy('web-0.shop', 'HeaderMatcher'))
    expect(conditionsOf(authorizationPolicyKind).anybody).toBeUndefined()
    await expectGood()
    await world.place(authorizationPolicyKind, nobody('request.headers[ab]'))
    await untilCondition(authorizationPolicyKind, 'nobody', inForce)
    await expectGood()
  })

  test('a RequestAuthentication', async () => {
    const tokens = (prefix: string) =>
      policy('RequestAuthentication', 'tokens', {
        selector: { matchLabels: { app: 'web' } },
        jwtRules: [{ issuer: 'me', jwks, fromHeaders: [{ name: 'x-token', prefix }] }],
      })
    await placeGood()
    await world.place(requestAuthenticationKind, tokens('a\nb'))
    await untilCondition(requestAuthenticationKind, 'tokens', rejectedBy('web-0.shop', 'JwtHeader'))
    await expectGood()
    await world.place(requestAuthenticationKind, tokens('ab'))
    await untilCondition(requestAuthenticationKind, 'tokens', inForce)
  })

  test('a Sidecar', async () => {
    const selector = { workloadSelector: { labels: { app: 'web' } } }
    const listeners = (...ports: readonly number[]) =>
      sidecarOf('web', {
        ...selector,
        ingress: ports.map((number) => ({
          port: { number, protocol: 'HTTP', name: `http-${number}` },
          defaultEndpoint: '127.0.0.1:8080',
        })),
      })
    await placeGood()
    // Somebody else is there already.
    const taken = await startBackend('taken', world.envoy('web-0').address, 7070)
    await world.place(sidecarKind, listeners(8080, 7070))
    await untilCondition(sidecarKind, 'web', rejectedBy('web-0.shop', '7070'))
    await expectGood()
    await world.place(sidecarKind, listeners(8080))
    await untilCondition(sidecarKind, 'web', inForce)
    await taken.stop()
  })

  test('a Gateway', async () => {
    const served = (number: number) =>
      gatewayOf('public', {
        selector: { istio: 'ingress' },
        servers: [{ port: { number, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
      })
    await placeGood()
    const taken = await startBackend('taken', world.envoy('gateway-0').address, 7070)
    await world.place(gatewayKind, served(7070))
    await untilCondition(gatewayKind, 'public', rejectedBy('gateway-0.shop', '7070'))
    await expectGood()
    await world.place(gatewayKind, served(7071))
    await untilCondition(gatewayKind, 'public', inForce)
    await taken.stop()
  })

  test('a ServiceEntry', async () => {
    const host = 'api.example.com'
    const gone = '/gone/client.pem'
    const placeRule = (tls: object) =>
      world.place(destinationRuleKind, destinationRuleOf('api', { host, trafficPolicy: { tls } }))
    await placeGood()
    await world.place(
      serviceEntryKind,
      serviceEntryOf('api', {
        hosts: [host],
        ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
        resolution: 'STATIC',
        endpoints: [{ address: '127.0.0.1' }],
      }),
    )
    // Both made the cluster.
    await placeRule({ mode: 'MUTUAL', clientCertificate: gone, privateKey: gone, caCertificates: 'system' })
    await untilCondition(serviceEntryKind, 'api', rejectedBy('client-0.shop', gone))
    await expectGood()
    await placeRule({ mode: 'DISABLE' })
    await untilCondition(serviceEntryKind, 'api', inForce)
  })

  test('a Telemetry', async () => {
    // Longer than Envoy lets a pattern of CEL be once it is compiled.
    const logged = (pattern: string) =>
      telemetryOf('web', {
        selector: { matchLabels: { app: 'web' } },
        accessLogging: [
          { providers: [{ name: 'envoy' }], filter: { expression: `request.path.matches('${pattern}')` } },
        ],
      })
    await placeGood()
    await world.place(telemetryKind, logged('a{200}'))
    await untilCondition(telemetryKind, 'web', rejectedBy('web-0.shop', 'max allowed size'))
    await expectGood()
    await world.place(telemetryKind, logged('^/a'))
    await untilCondition(telemetryKind, 'web', inForce)
  })
})
