import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  authorizationPolicyKind,
  destinationRuleKind,
  gatewayKind,
  type KubernetesObject,
  peerAuthenticationKind,
  type ResourceKind,
  type VirtualService,
  virtualServiceKind,
} from '../../../src/api/index.ts'
import { type ConnectionServer, exchange, hold, startConnectionServer } from '../../support/connections.ts'
import { eventually } from '../../support/eventually.ts'
import {
  destinationRuleOf,
  gatewayOf,
  namespaceName,
  namespaceOf,
  serviceOf,
  virtualServiceOf,
} from '../../support/mesh-objects.ts'
import { readVirtualService, samplesOf, sumOf } from '../../support/mesh-world.ts'
import { startPrometheus } from '../../support/prometheus.ts'
import { startTrafficWorld, type TrafficWorld } from '../../support/traffic-world.ts'

const ports = [
  { name: 'tcp-store', port: 9000, targetPort: 9000 },
  { name: 'mysql', port: 9001, targetPort: 9001 },
]
const versions = ['v1', 'v2'] as const

let world: TrafficWorld
let servers: ConnectionServer[] = []
beforeAll(async () => {
  world = await startTrafficWorld({
    pods: [
      { name: 'client-0', labels: { tier: 'front' } },
      { name: 'other-0', namespace: 'other' },
      { name: 'gateway-0', labels: { istio: 'ingressgateway' }, isGateway: true },
      ...versions.map((version) => ({ name: `store-${version}`, labels: { app: 'store', version } })),
    ],
    namespaces: [namespaceOf(), namespaceOf('other')],
    services: [{ service: serviceOf('store', { ports }), pods: ['store-v1', 'store-v2'] }],
    observability: () => ({ accessLog: true }),
  })
  servers = await Promise.all(
    versions.flatMap((version) => {
      const address = world.appAddress(`store-${version}`)
      return [
        startConnectionServer(version, address),
        startConnectionServer(version, address, { port: 9001, greeting: 'hello, ' }),
      ]
    }),
  )
})
afterAll(async () => {
  await world?.stop()
  await Promise.all(servers.map((server) => server.stop()))
})

const kinds: readonly ResourceKind[] = [
  peerAuthenticationKind,
  authorizationPolicyKind,
  virtualServiceKind,
  destinationRuleKind,
  gatewayKind,
]
afterEach(async () => {
  const kubernetes = world.api.client('test')
  for (const kind of kinds) {
    for (const object of world.api.list(kind)) await kubernetes.delete(kind, object.metadata)
  }
  await eventually(async () => {
    for (const version of versions) expect(await askPlain(version)).toBe(`${version}:question!`)
    expect(new Set(await askMany(20))).toEqual(new Set(['v1:question!', 'v2:question!']))
  })
})

const hostOf = (pod: string) => new URL(world.url(pod, 'shop/store')).hostname
const ask = (pod: string, text = 'question', port = 9000) => exchange(hostOf(pod), port, text)
/** As a program without a proxy. */
const askPlain = (version: (typeof versions)[number], text = 'question', port = 9000) =>
  exchange(world.podOf(`store-${version}`).status?.podIP ?? '', port, text, { waits: true })
const askMany = (count: number, pod = 'client-0') => Promise.all(Array.from({ length: count }, () => ask(pod)))

const closed = async (pod: string, labels: Readonly<Record<string, string>>) =>
  sumOf(await samplesOf(world.envoy(pod), 'istio_tcp_connections_closed_total'), { reporter: 'destination', ...labels })
const received = () => servers.reduce((sum, server) => sum + server.received(), 0)
const place = (kind: ResourceKind, object: KubernetesObject) => world.place(kind, object)

/** The one value of an instant query; 0 where there is nothing yet. */
async function query(address: string, expression: string): Promise<number> {
  const answer = await fetch(`${address}/api/v1/query?query=${encodeURIComponent(expression)}`)
  const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } }
  return Number(data.result[0]?.value[1] ?? 0)
}

const peers = (mode: string, namespace = namespaceName): KubernetesObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { name: 'default', namespace },
  ...{ spec: { mtls: { mode } } },
})
const policy = (spec: object): KubernetesObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'store', namespace: namespaceName },
  ...{ spec },
})

describe('bytes', () => {
  test('go both ways, and who has said his last still gets the answer', async () => {
    const text = 'a'.repeat(300_000)
    const answer = await ask('client-0', text)
    expect(answer?.length).toBe(text.length + 4)
    expect(answer?.slice(3) === `${text}!`).toBe(true)
  })

  test('a server may speak first', async () => {
    const connection = await hold(hostOf('client-0'), 9001)
    await eventually(() => expect(connection.read()).toBe('hello, '))
    connection.close()
    // To those without a proxy as well, once it is sure that they will not speak TLS.
    const plain = await hold(world.podOf('store-v1').status?.podIP ?? '', 9001)
    await eventually(() => expect(plain.read()).toBe('hello, '))
    plain.close()
  })
})

const front = 'cluster.local/ns/shop/sa/default'
const allow = (rule: object) => ({ rules: [rule] })
const deny = (rule: object) => ({ action: 'DENY', rules: [rule] })
const from = (source: object) => ({ from: [{ source }] })
const to = (operation: object) => ({ to: [{ operation }] })

describe('AuthorizationPolicy on a port for TCP', () => {
  /** Who is answered: the client of the same namespace, that of another, and one without a proxy. */
  const rows: readonly (readonly [string, object, readonly [boolean, boolean, boolean]])[] = [
    ['a principal', allow(from({ principals: [front] })), [true, false, false]],
    ['not a principal', deny(from({ principals: [front] })), [false, true, true]],
    ['a namespace', allow(from({ namespaces: ['other'] })), [false, true, false]],
    ['an address block', allow(from({ ipBlocks: ['127.0.0.0/8'] })), [true, true, true]],
    ['no such address', allow(from({ ipBlocks: ['10.0.0.0/8'] })), [false, false, false]],
    ['the address of the client', deny(from({ remoteIpBlocks: ['127.0.0.0/8'] })), [false, false, false]],
    ['another address', deny(from({ remoteIpBlocks: ['10.1.2.3'] })), [true, true, true]],
    ['a port', allow(to({ ports: ['9000'] })), [true, true, true]],
    ['another port', allow(to({ ports: ['9001'] })), [false, false, false]],
    // What only a request has is never there: it allows nobody, and leaves who is denied to the rest of the rule.
    ['a method is allowed', allow(to({ methods: ['GET'] })), [false, false, false]],
    ['a method is denied', deny(to({ methods: ['GET'] })), [false, false, false]],
    [
      'a method of a namespace is denied',
      deny({ ...from({ namespaces: ['other'] }), ...to({ methods: ['GET'] }) }),
      [true, false, true],
    ],
    ['nobody', {}, [false, false, false]],
  ]

  test.each(rows)('%s', async (_, spec, expected) => {
    await place(authorizationPolicyKind, policy(spec))
    await eventually(async () => {
      const answers = await Promise.all([ask('client-0'), ask('other-0'), askPlain('v1')])
      expect(answers.map((answer) => answer?.endsWith(':question!') === true)).toEqual(expected)
    })
  })
})

describe('metrics', () => {
  const names = ['connections_opened', 'connections_closed', 'sent_bytes', 'received_bytes'] as const
  const identity = 'spiffe://cluster.local/ns/shop/sa/default'
  const sides = [
    { reporter: 'source', source_workload: 'client', destination_service: 'store.shop.svc.cluster.local' },
    { reporter: 'destination', connection_security_policy: 'mutual_tls', source_principal: identity },
  ]
  const envoys = ['client-0', 'store-v1', 'store-v2']
  /** As the proxies have it now. */
  const counted = (labels: Readonly<Record<string, string>>) =>
    Promise.all(
      names.map(async (name) => {
        const samples = await Promise.all(envoys.map((pod) => samplesOf(world.envoy(pod), `istio_tcp_${name}_total`)))
        return sumOf(samples.flat(), labels)
      }),
    )
  const queried = (address: string) => (labels: Readonly<Record<string, string>>) => {
    const matchers = Object.entries(labels).map(([name, value]) => `${name}="${value}"`)
    return Promise.all(names.map((name) => query(address, `sum(istio_tcp_${name}_total{${matchers.join()}})`)))
  }

  test('say what the client and the servers counted, as Prometheus reads them', async () => {
    const prometheus = await startPrometheus({ envoys: envoys.map((pod) => world.envoy(pod).address) })
    // Nothing is on its way any more.
    const before = await eventually(async () => {
      const both = await Promise.all(sides.map(counted))
      for (const [opened, ended] of both) expect([ended, (ended ?? 0) > 0]).toEqual([opened, true])
      return both
    })
    const receivedAtFirst = received()
    const texts = [1, 1_000, 70_000].map((length) => 'b'.repeat(length))
    const answers = await Promise.all(texts.map((text) => ask('client-0', text)))
    const [sent = 0, answered = 0] = [texts, answers].map((all) =>
      all.reduce((sum, text) => sum + (text?.length ?? 0), 0),
    )
    expect(received() - receivedAtFirst).toBe(sent)
    const expected = before.map((values) => values.map((value, at) => value + ([3, 3, answered, sent][at] ?? 0)))
    await eventually(async () => expect(await Promise.all(sides.map(queried(prometheus.address)))).toEqual(expected), {
      within: 20_000,
    })
    await prometheus.stop()
  })

  test('a connection counts as opened while it is open', async () => {
    const connection = await hold(hostOf('client-0'), 9000, 'question')
    const count = async (name: string) =>
      sumOf(await samplesOf(world.envoy('client-0'), `istio_tcp_connections_${name}_total`), {})
    await eventually(async () => expect((await count('opened')) - (await count('closed'))).toBe(1))
    connection.close()
    await eventually(async () => expect((await count('opened')) - (await count('closed'))).toBe(0))
  })

  test('labels are those of Istio', async () => {
    await ask('client-0')
    const [sample] = (await samplesOf(world.envoy('client-0'), 'istio_tcp_connections_closed_total')).filter(
      ({ labels }) => labels.destination_workload === 'store-v1' && labels.response_flags === '-',
    )
    expect(sample?.labels).toEqual({
      reporter: 'source',
      source_workload: 'client',
      source_workload_namespace: 'shop',
      source_principal: 'spiffe://cluster.local/ns/shop/sa/default',
      source_app: 'client',
      source_version: 'unknown',
      source_cluster: 'Kubernetes',
      source_canonical_service: 'client',
      source_canonical_revision: 'latest',
      destination_workload: 'store-v1',
      destination_workload_namespace: 'shop',
      destination_principal: 'spiffe://cluster.local/ns/shop/sa/default',
      destination_app: 'store',
      destination_version: 'v1',
      destination_cluster: 'Kubernetes',
      destination_canonical_service: 'store',
      destination_canonical_revision: 'v1',
      destination_service: 'store.shop.svc.cluster.local',
      destination_service_name: 'store',
      destination_service_namespace: 'shop',
      connection_security_policy: 'unknown',
      response_flags: '-',
      request_protocol: 'tcp',
    })
  })

  test('one JSON line a connection, numbers as numbers', async () => {
    const text = 'c'.repeat(1_234)
    await ask('client-0', text)
    const line = {
      start_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      protocol: 'tcp',
      duration: expect.any(Number),
      bytes_received: text.length,
      bytes_sent: text.length + 4,
      response_flags: '-',
      upstream_service: 'store.shop.svc.cluster.local',
    }
    const linesOf = (pod: string) =>
      world
        .envoy(pod)
        .lines()
        .map((each) => JSON.parse(each) as Record<string, unknown>)
        .filter(({ bytes_received: bytes }) => bytes === text.length)
    await eventually(() => {
      expect(linesOf('client-0')).toEqual([line])
      expect([...linesOf('store-v1'), ...linesOf('store-v2')]).toEqual([line])
    })
  })
})

describe('routes', () => {
  const subsets = versions.map((version) => ({ name: version, labels: { version } }))
  const subset = (name: string) => ({ destination: { host: 'store', subset: name } })
  const placeRoutes = async (spec: Partial<VirtualService['spec']>) => {
    await place(destinationRuleKind, destinationRuleOf('store', { host: 'store', subsets }))
    await place(virtualServiceKind, virtualServiceOf('store', spec))
    await eventually(() => {
      const object = readVirtualService(world.api, 'store', namespaceName)
      const condition = object?.status?.conditions?.find(({ type }) => type === 'Programmed')
      expect(condition).toMatchObject({ status: 'True', observedGeneration: object?.metadata.generation })
    })
  }
  const shareOfV2 = async (pod: string, count: number) =>
    (await askMany(count, pod)).filter((answer) => answer === 'v2:question!').length / count

  test('split connections by weight', async () => {
    await placeRoutes({
      tcp: [
        {
          route: [
            { ...subset('v1'), weight: 1 },
            { ...subset('v2'), weight: 3 },
          ],
        },
      ],
    })
    // Six standard deviations.
    expect(Math.abs((await shareOfV2('client-0', 400)) - 0.75)).toBeLessThan(0.13)
    await placeRoutes({
      tcp: [
        {
          route: [
            { ...subset('v1'), weight: 0 },
            { ...subset('v2'), weight: 1 },
          ],
        },
      ],
    })
    expect(await shareOfV2('client-0', 40)).toBe(1)
  })

  test('ask who connects, to which port and which address', async () => {
    await placeRoutes({
      tcp: [
        { match: [{ destinationSubnets: ['10.0.0.0/8'] }, { port: 9001 }], route: [subset('v1')] },
        { match: [{ sourceLabels: { tier: 'front' }, port: 9000 }], route: [subset('v2')] },
        { match: [{ destinationSubnets: ['127.0.0.0/8'], gateways: ['mesh'] }], route: [subset('v1')] },
      ],
    })
    expect(await shareOfV2('client-0', 20)).toBe(1)
    expect(await shareOfV2('other-0', 20)).toBe(0)
  })

  test('lead from a Gateway into the mesh', async () => {
    const servers = [{ port: { number: 9000, name: 'tcp', protocol: 'TCP' }, hosts: ['*'] }]
    await place(gatewayKind, gatewayOf('edge', { selector: { istio: 'ingressgateway' }, servers }))
    await placeRoutes({
      gateways: ['edge'],
      tcp: [
        { match: [{ port: 9999 }], route: [subset('v1')] },
        { match: [{ port: 9000 }], route: [{ destination: { host: 'store', subset: 'v2', port: { number: 9000 } } }] },
      ],
    })
    const address = world.envoy('gateway-0').address
    await eventually(async () => expect(await exchange(address, 9000, 'question')).toBe('v2:question!'))
    expect(await samplesOf(world.envoy('store-v2'), 'istio_tcp_connections_closed_total')).toContainEqual(
      expect.objectContaining({
        labels: expect.objectContaining({ reporter: 'destination', connection_security_policy: 'mutual_tls' }),
      }),
    )
    const selector = { matchLabels: { istio: 'ingressgateway' } }
    await place(authorizationPolicyKind, policy({ selector, ...deny(to({ ports: ['9000'] })) }))
    await eventually(async () => expect(await exchange(address, 9000, 'question')).not.toBe('v2:question!'))
    // Nobody else is asked.
    expect(await ask('client-0')).toMatch(/:question!$/)
  })

  test('a DestinationRule limits connections', async () => {
    const limit = (tcp: object) =>
      place(
        destinationRuleKind,
        destinationRuleOf('store', { host: 'store', trafficPolicy: { connectionPool: { tcp } } }),
      )
    await limit({ idleTimeout: '200ms' })
    await eventually(async () => {
      const idle = await hold(hostOf('client-0'), 9000, 'question')
      await eventually(() => expect(idle.isOpen()).toBe(false), { within: 3_000 })
    })
    await limit({ maxConnectionDuration: '300ms' })
    await eventually(async () => {
      const busy = await hold(hostOf('client-0'), 9000, 'question')
      await eventually(() => expect(busy.isOpen()).toBe(false), { within: 3_000 })
    })
    await limit({ maxConnections: 1 })
    await eventually(async () => {
      const first = await hold(hostOf('client-0'), 9001)
      await eventually(() => expect(first.read()).toBe('hello, '))
      const second = await hold(hostOf('client-0'), 9001)
      await eventually(() => expect([first.isOpen(), second.isOpen()]).toEqual([true, false]), { within: 3_000 })
      first.close()
    })
  })
})

describe('mutual TLS', () => {
  test('STRICT refuses plain text, DISABLE takes nothing else', async () => {
    await place(peerAuthenticationKind, peers('STRICT'))
    await eventually(async () => expect(await askPlain('v1')).toBeUndefined())
    expect(await ask('client-0')).toMatch(/^v[12]:question!$/)
    await place(peerAuthenticationKind, peers('DISABLE'))
    await eventually(async () => {
      expect(await askPlain('v1')).toBe('v1:question!')
      expect(await ask('client-0')).toMatch(/^v[12]:question!$/)
    })
    await eventually(async () => {
      const before = await closed('store-v1', { connection_security_policy: 'none', source_principal: 'unknown' })
      await askMany(10)
      expect(
        await closed('store-v1', { connection_security_policy: 'none', source_principal: 'unknown' }),
      ).toBeGreaterThan(before)
    })
  })
})
