import { Agent } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  endpointSliceKind,
  gatewayKind,
  namespaceKind,
  podKind,
  publishedPort,
  serviceAddressesAnnotation,
  serviceKind,
  type VirtualService,
  virtualServiceKind,
} from '../../../src/api/index.ts'
import { nodeId } from '../../../src/mesh/model/index.ts'
import { renderVirtualService } from '../../../src/traffic/translate.ts'
import { buildCanary } from '../../support/canary-objects.ts'
import { envoyPath } from '../../support/envoy.ts'
import { eventually } from '../../support/eventually.ts'
import { claimLoopbackBlock, type LoopbackBlock } from '../../support/loopback-block.ts'
import { createMemoryApi, type MemoryApi } from '../../support/memory-api.ts'
import {
  namespaceName,
  serviceOf,
  shopOf,
  sliceOf,
  splitBetween,
  virtualServiceOf,
} from '../../support/mesh-objects.ts'
import {
  type Backend,
  get,
  place,
  podToken,
  type RunningEnvoy,
  type RunningMesh,
  readVirtualService,
  samplesOf,
  sendMany,
  startBackend,
  startEnvoy,
  startMesh,
  sumOf,
  untilEnvoyReady,
} from '../../support/mesh-world.ts'

let block: LoopbackBlock
let api: MemoryApi
let mesh: RunningMesh
let envoys: Record<'client' | 'primary' | 'canary' | 'gateway', RunningEnvoy>
let primary: Backend
let canary: Backend
/** The Service `web` as the client pod reaches it, and as the gateway shows it. */
let web = ''
let gateway = ''
const host = { host: 'shop.example' }

beforeAll(async () => {
  block = await claimLoopbackBlock()
  api = createMemoryApi(Date.now)
  const shop = shopOf(block.prefix)
  for (const object of shop.namespaces) await place(api, namespaceKind, object)
  for (const object of shop.services) await place(api, serviceKind, object)
  for (const object of shop.pods) await place(api, podKind, object)
  for (const object of shop.endpointSlices) await place(api, endpointSliceKind, object)
  for (const object of shop.gateways) await place(api, gatewayKind, object)
  primary = await startBackend('primary', `${block.prefix}.64.2`)
  canary = await startBackend('canary', `${block.prefix}.64.3`)
  mesh = await startMesh({ api, host: `${block.prefix}.0.1`, port: 15_010 })
  const binary = await envoyPath()
  const [clientPod, primaryPod, canaryPod, gatewayPod] = shop.pods
  if (!clientPod || !primaryPod || !canaryPod || !gatewayPod) throw new Error('the shop lacks pods')
  const { xds } = mesh
  envoys = {
    client: await startEnvoy({ binary, pod: clientPod, xds }),
    primary: await startEnvoy({ binary, pod: primaryPod, xds }),
    canary: await startEnvoy({ binary, pod: canaryPod, xds }),
    gateway: await startEnvoy({ binary, pod: gatewayPod, role: 'gateway', xds }),
  }
  await Promise.all(Object.values(envoys).map(untilEnvoyReady))
  web = `http://${block.prefix}.160.1:${publishedPort(80)}`
  gateway = `http://${block.prefix}.1.4:${publishedPort(80)}`
})

afterAll(async () => {
  await Promise.all(Object.values(envoys ?? {}).map((envoy) => envoy.stop()))
  await mesh?.stop()
  await Promise.all([primary?.stop(), canary?.stop()])
  await block?.[Symbol.asyncDispose]()
})

/** Writes the route and waits until the mesh says that it is in force. */
async function route(spec: Partial<VirtualService['spec']>, reason = 'Programmed'): Promise<string> {
  await place(
    api,
    virtualServiceKind,
    virtualServiceOf('web', { hosts: ['web', 'shop.example'], gateways: ['mesh', 'public'], ...spec }),
  )
  return await eventually(
    () => {
      const object = readVirtualService(api, 'web', namespaceName)
      const condition = object?.status?.conditions?.find(({ type }) => type === 'Programmed')
      expect(condition).toMatchObject({ reason, observedGeneration: object?.metadata.generation })
      return condition?.message ?? ''
    },
    { within: 15_000, what: `reason ${reason}` },
  )
}

const split = (canaryWeight: number) => ({ http: [{ route: splitBetween('web-primary', 'web-canary', canaryWeight) }] })

const betaInShop = {
  http: [
    {
      match: [{ headers: { 'x-beta': { regex: 'y.s' } }, uri: { prefix: '/shop' } }],
      route: [{ destination: { host: 'web-canary' } }],
    },
    { route: [{ destination: { host: 'web-primary' } }] },
  ],
}

/** One connection, for as long as it is used. */
function keptAlive(): Disposable & { readonly agent: Agent } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return { agent, [Symbol.dispose]: () => agent.destroy() }
}

/** Four standard deviations either side: one run in 16,000 falls outside. */
function expectShare(count: number, total: number, share: number): void {
  const deviation = Math.sqrt(total * share * (1 - share))
  expect(Math.abs(count - total * share)).toBeLessThanOrEqual(4 * deviation)
}

describe('a release through real Envoys', () => {
  test('without a VirtualService the Service itself answers', async () => {
    expect(await sendMany(web, 20)).toEqual(new Map([['primary', 20]]))
  })

  test('endpoints follow the slices, and a Service that comes later has a listener of its own, under load', async () => {
    const load = sendMany(web, 2_000)
    const shop = shopOf(block.prefix)
    const [clientPod, primaryPod, canaryPod] = shop.pods
    if (!clientPod || !primaryPod || !canaryPod) throw new Error('the shop lacks pods')
    await place(api, endpointSliceKind, sliceOf('web', [primaryPod, canaryPod]))
    await eventually(async () => expect([...(await sendMany(web, 20)).keys()].sort()).toEqual(['canary', 'primary']))
    await place(api, endpointSliceKind, sliceOf('web', [primaryPod]))
    await eventually(async () => expect(await sendMany(web, 20)).toEqual(new Map([['primary', 20]])))

    await place(api, serviceKind, serviceOf('later', { selector: { app: 'web' }, port: 9000 }))
    await place(api, endpointSliceKind, sliceOf('later', [canaryPod]))
    const annotations = {
      ...clientPod.metadata.annotations,
      [serviceAddressesAnnotation]: JSON.stringify({
        [`${namespaceName}/web`]: `${block.prefix}.160.1`,
        [`${namespaceName}/later`]: `${block.prefix}.160.9`,
      }),
    }
    await place(api, podKind, { ...clientPod, metadata: { ...clientPod.metadata, annotations } })
    await eventually(async () => {
      expect(await get(`http://${block.prefix}.160.9:9000`)).toMatchObject({ status: 200, body: 'canary' })
    })
    const answers = await load
    expect([...answers.keys()].filter((key) => key !== 'primary' && key !== 'canary')).toEqual([])
  })

  test('connections of a Canary are weighted, and one that is open stays where it is', async () => {
    const [, primaryPod, canaryPod] = shopOf(block.prefix).pods
    if (!primaryPod || !canaryPod) throw new Error('the shop lacks pods')
    for (const [name, pod] of [
      ['db', primaryPod],
      ['db-primary', primaryPod],
      ['db-canary', canaryPod],
    ] as const) {
      const { spec, ...service } = serviceOf(name, { selector: { app: 'web' }, port: 9100 })
      const ports = spec.ports?.map((port) => ({ ...port, appProtocol: 'tcp' })) ?? []
      await place(api, serviceKind, { ...service, spec: { ...spec, ports } })
      await place(api, endpointSliceKind, sliceOf(name, [pod]))
    }
    const ref = { namespace: namespaceName, name: 'client-0' }
    const { metadata, ...clientPod } = (await api.client('test').get(podKind, ref)) ?? expect.unreachable()
    const known = JSON.parse(metadata.annotations?.[serviceAddressesAnnotation] ?? '{}')
    const addresses = JSON.stringify({ ...known, [`${namespaceName}/db`]: `${block.prefix}.160.10` })
    const annotations = { ...metadata.annotations, [serviceAddressesAnnotation]: addresses }
    await place(api, podKind, { ...clientPod, metadata: { ...metadata, annotations } })

    const moved = buildCanary({ service: { name: 'db', appProtocol: 'tcp' }, analysis: { mirror: false, metrics: [] } })
    const weigh = async (weight: number) => {
      const traffic = { primary: 100 - weight, canary: weight, mirror: 0 }
      const { spec } = renderVirtualService(moved, traffic, undefined)
      await place(api, virtualServiceKind, virtualServiceOf('db', spec))
      await eventually(() => {
        const { metadata, status } = readVirtualService(api, 'db', namespaceName) ?? expect.unreachable()
        const { generation } = metadata
        expect(status?.conditions).toContainEqual(
          expect.objectContaining({ reason: 'Programmed', observedGeneration: generation }),
        )
      })
    }
    const db = `http://${block.prefix}.160.10:9100`
    const connect = async (count: number) => {
      const bodies: string[] = []
      for (let left = count; left > 0; left--) bodies.push((await get(db)).body)
      return bodies
    }
    await weigh(0)
    using open = keptAlive()
    expect((await get(db, open)).body).toBe('primary')
    await weigh(30)
    expectShare((await connect(200)).filter((body) => body === 'canary').length, 200, 0.3)
    await weigh(100)
    expect(await connect(10)).toEqual(Array.from({ length: 10 }, () => 'canary'))
    expect((await get(db, open)).body).toBe('primary')
  })

  test('weights hold, for sidecars and for the gateway, as soon as the condition says so', async () => {
    expect(await route(split(30))).toMatch(/^4 proxies have the route$/)
    for (const url of [web, gateway]) {
      const answers = await sendMany(url, 1_000, host)
      expect([...answers.keys()].sort()).toEqual(['canary', 'primary'])
      expectShare(answers.get('canary') ?? 0, 1_000, 0.3)
    }
  })

  test('weights move under load without a failed request', async () => {
    const load = Promise.all([sendMany(web, 2_000), sendMany(gateway, 2_000, host)])
    for (const weight of [0, 10, 50, 90, 100, 40, 0]) await route(split(weight))
    for (const answers of await load) {
      expect([...answers.keys()].filter((key) => key !== 'primary' && key !== 'canary')).toEqual([])
    }
    expect(await sendMany(web, 100)).toEqual(new Map([['primary', 100]]))
  })

  test('a header match sends its requests to the canary and all others to the primary', async () => {
    await route(betaInShop)
    expect(await sendMany(`${web}/shop/1`, 30, { 'x-beta': 'yes' })).toEqual(new Map([['canary', 30]]))
    expect(await sendMany(`${web}/other`, 30, { 'x-beta': 'yes' })).toEqual(new Map([['primary', 30]]))
    expect(await sendMany(`${web}/shop/1`, 30, { 'x-beta': 'yes!' })).toEqual(new Map([['primary', 30]]))
    expect(await sendMany(`${gateway}/shop/1`, 30, host)).toEqual(new Map([['primary', 30]]))
  })

  test('the routes of a Canary match, rewrite and edit headers, and nobody else is answered', async () => {
    const service = {
      match: [{ uri: { prefix: '/shop/' } }],
      rewrite: { uri: '/' },
      headers: { request: { set: { 'x-prefix': '/shop' } }, response: { add: { 'x-by': 'mesh' } } },
      corsPolicy: { allowOrigins: [{ exact: 'https://a.example' }] },
    }
    const abTest = { stepWeight: undefined, maxWeight: undefined, iterations: 2 }
    const match = [{ headers: { 'x-beta': { exact: 'yes' } } }]
    const rendered = renderVirtualService(
      buildCanary({ service, analysis: { ...abTest, match } }),
      { primary: 0, canary: 100, mirror: 0, matching: true },
      undefined,
    )
    await route({ http: rendered.spec.http ?? [] })
    const ask = (path: string, headers = {}) =>
      get(`${web}${path}`, { headers: { origin: 'https://a.example', ...headers } })
    for (const [answering, headers] of [
      [primary, {}],
      [canary, { 'x-beta': 'yes' }],
    ] as const) {
      const body = answering === primary ? 'primary' : 'canary'
      const seenByPage = { 'x-by': 'mesh', 'access-control-allow-origin': 'https://a.example' }
      expect(await ask('/shop/items', headers)).toMatchObject({ status: 200, body, headers: seenByPage })
      expect(answering.requests.at(-1)).toMatchObject({ url: '/items', headers: { 'x-prefix': '/shop' } })
      expect((await ask('/other', headers)).status).toBe(404)
    }
    await route(betaInShop)
  })

  test('clients of HTTP_PROXY reach the same routes by name', async () => {
    const proxy = `http://${block.prefix}.1.1:15080`
    const ask = (host: string, headers: Record<string, string>) =>
      get(`${proxy}/shop/1`, { headers: { host, ...headers } })
    expect(await ask('web', { 'x-beta': 'yes' })).toMatchObject({ status: 200, body: 'canary' })
    expect(await ask('web.shop.svc.cluster.local:80', {})).toMatchObject({ status: 200, body: 'primary' })
    // Sent on to whatever has the name: nothing has it.
    expect(await ask('nobody.invalid', {})).toMatchObject({ status: 503 })
  })

  test('a mirror gets a copy of each request, under its own name, and its failure is not seen', async () => {
    await route({
      http: [{ route: [{ destination: { host: 'web-primary' } }], mirror: { host: 'web-canary' } }],
    })
    const before = { primary: primary.requests.length, canary: canary.requests.length }
    canary.behaviour.status = 500
    expect(await sendMany(`${web}/mirrored`, 500)).toEqual(new Map([['primary', 500]]))
    canary.behaviour.hangs = true
    expect(await sendMany(`${web}/mirrored`, 20)).toEqual(new Map([['primary', 20]]))
    await eventually(() => expect(canary.requests.length - before.canary).toBe(520))
    expect(primary.requests.length - before.primary).toBe(520)
    expect(new Set(canary.requests.slice(before.canary).map(({ host }) => host))).toEqual(
      new Set([`${block.prefix}.160.1:${publishedPort(80)}`]),
    )
    Object.assign(canary.behaviour, { status: 200, hangs: false })
  })

  test('what proxies reject leaves the last good route in force and is told in status and log', async () => {
    await route(split(0))
    // Whoever rejects first is named first: the message grows as the others answer.
    const message = await route(
      {
        http: [{ match: [{ headers: { 'a\nb': { exact: 'x' } } }], route: [{ destination: { host: 'web-canary' } }] }],
      },
      'Rejected',
    )
    expect(message).toMatch(/^proxies keep .*-0\.shop: Proto constraint validation failed .*HeaderMatcher/)
    expect(await sendMany(web, 50)).toEqual(new Map([['primary', 50]]))
    expect(mesh.lines).toContainEqual(
      expect.objectContaining({ level: 'error', msg: 'proxy rejected configuration and keeps its last good one' }),
    )
    await route(split(100))
    expect(await sendMany(web, 50)).toEqual(new Map([['canary', 50]]))
  })

  test('an object that asks for what the mesh does not do is refused and its last good form stays', async () => {
    await route(split(0))
    const delegated = { http: [{ ...split(100).http[0], delegate: { name: 'other' } }] }
    expect(await route(delegated as unknown as VirtualService['spec'], 'Invalid')).toBe(
      'spec.http[0].delegate: this mesh does not support the field: write the rules of the other VirtualService here',
    )
    expect(await sendMany(web, 50)).toEqual(new Map([['primary', 50]]))
  })

  test('a control plane that restarts changes nothing for traffic, and is obeyed again', async () => {
    await route(split(0))
    const load = sendMany(web, 2_000)
    await mesh.stop()
    expect(await sendMany(web, 50)).toEqual(new Map([['primary', 50]]))
    mesh = await startMesh({ api, host: `${block.prefix}.0.1`, port: 15_010 })
    expect(await load).toEqual(new Map([['primary', 2_000]]))
    await route(split(100))
    expect(await sendMany(web, 50)).toEqual(new Map([['canary', 50]]))
    expect(await sendMany(gateway, 50, host)).toEqual(new Map([['canary', 50]]))
  })

  test('names come and go for clients of HTTP_PROXY, whoever serves them', async () => {
    const [, , canaryPod] = shopOf(block.prefix).pods
    if (!canaryPod) throw new Error('the shop lacks pods')
    const status = async (name: string) =>
      (await get(`http://${block.prefix}.1.1:15080`, { headers: { host: `${name}:9001` } })).status
    const comes = async (name: string) => {
      await place(api, serviceKind, serviceOf(name, { selector: { app: 'web' }, port: 9001 }))
      await place(api, endpointSliceKind, sliceOf(name, [canaryPod]))
      await eventually(async () => expect(await status(name)).toBe(200))
    }
    const goes = async (name: string) => {
      const all = { namespace: namespaceName }
      await api.client('test').delete(serviceKind, { ...all, name })
    }
    await comes('first')
    await goes('first')
    // It is asked for outside of the mesh, where nobody has the name.
    await eventually(async () => expect(await status('first')).toBe(503))
    await comes('first')
    await mesh.stop()
    await goes('first')
    mesh = await startMesh({ api, host: `${block.prefix}.0.1`, port: 15_010 })
    await comes('second')
    await eventually(async () => expect(await status('first')).toBe(503))
    await goes('second')
  })

  test('Istio metrics count each request once per reporter, a mirrored one at its destination only', async () => {
    await route({ http: [{ route: [{ destination: { host: 'web-primary' } }], mirror: { host: 'web-canary' } }] })
    const count = async (envoy: RunningEnvoy, labels: Record<string, string>) =>
      sumOf(await samplesOf(envoy, 'istio_requests_total'), labels)
    const asked = { source_workload: 'client', source_workload_namespace: namespaceName, response_code: '200' }
    const atSource = { ...asked, reporter: 'source', destination_workload: 'web-primary' }
    const atCanary = { ...asked, reporter: 'destination', destination_workload: 'web' }
    const atPrimary = { ...asked, reporter: 'destination', destination_workload: 'web-primary' }
    const read = async () => [
      await count(envoys.client, atSource),
      await count(envoys.client, { ...atSource, destination_workload: 'web' }),
      await count(envoys.primary, atPrimary),
      await count(envoys.canary, atCanary),
    ]
    const before = await read()
    await sendMany(web, 200)
    await eventually(async () => {
      const after = await read()
      expect(after.map((value, index) => value - (before[index] ?? 0))).toEqual([200, 0, 200, 200])
    })
    const [sample] = (await samplesOf(envoys.client, 'istio_requests_total')).filter(
      ({ labels }) => labels.destination_workload === 'web-primary',
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
      destination_workload: 'web-primary',
      destination_workload_namespace: 'shop',
      destination_principal: 'spiffe://cluster.local/ns/shop/sa/default',
      destination_app: 'web-primary',
      destination_version: 'unknown',
      destination_cluster: 'Kubernetes',
      destination_canonical_service: 'web-primary',
      destination_canonical_revision: 'latest',
      destination_service: expect.stringMatching(/^web(-primary)?\.shop\.svc\.cluster\.local$/),
      destination_service_name: expect.stringMatching(/^web(-primary)?$/),
      destination_service_namespace: 'shop',
      connection_security_policy: 'unknown',
      response_code: '200',
      response_flags: '-',
      request_protocol: 'http',
    })
    await eventually(async () => {
      const buckets = await samplesOf(envoys.canary, 'istio_request_duration_milliseconds_bucket')
      expect(sumOf(buckets, { reporter: 'destination', le: '+Inf' })).toBeGreaterThanOrEqual(200)
    })
  })

  test('applications do not see the header by which proxies introduce themselves', () => {
    const seen = [...primary.requests, ...canary.requests].filter(({ headers }) => 'x-mesh-peer' in headers)
    expect(seen).toEqual([])
  })

  test.each([
    ['a guessed token', 'guessed', 'proxy refused: its token is missing or wrong'],
    ['the token of another pod', podToken('web-primary-0'), 'proxy refused: its token is that of another pod'],
  ])('a proxy with %s gets nothing', async (_, token, refusal) => {
    const [pod] = shopOf(block.prefix).pods
    if (!pod) throw new Error('the shop lacks pods')
    const stranger = { ...pod, status: { ...pod.status, podIP: `${block.prefix}.1.9` } }
    const envoy = await startEnvoy({
      binary: await envoyPath(),
      pod: stranger,
      xds: mesh.xds,
      token,
    })
    await eventually(() => expect(mesh.lines).toContainEqual(expect.objectContaining({ msg: refusal })))
    expect(mesh.lines).not.toContainEqual(
      expect.objectContaining({
        msg: 'proxy connected',
        node: nodeId({ role: 'sidecar', address: `${block.prefix}.1.9`, pod: 'client-0', namespace: namespaceName }),
      }),
    )
    await envoy.stop()
  })

  test('no Envoy complained', async () => {
    for (const envoy of Object.values(envoys)) {
      const lines = (await envoy.output())
        .split('\n')
        .filter((line) => !/gRPC config for .* rejected|StreamAggregatedResources/.test(line))
      expect(lines.filter((line) => /\[(error|critical)\]|deprecated/i.test(line))).toEqual([])
    }
  })
})
