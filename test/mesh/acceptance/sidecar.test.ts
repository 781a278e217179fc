import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { authorizationPolicyKind, type Sidecar, sidecarKind } from '../../../src/api/index.ts'
import { temporaryDirectory } from '../../support/directory.ts'
import { eventually } from '../../support/eventually.ts'
import { namespaceOf, serviceOf, sidecarOf } from '../../support/mesh-objects.ts'
import { type Backend, get, samplesOf, startBackend, sumOf } from '../../support/mesh-world.ts'
import { startTrafficWorld, type TrafficWorld } from '../../support/traffic-world.ts'

const neighbours = [
  'payment-service',
  'inventory-service',
  ...Array.from({ length: 20 }, (_, index) => `other-${index}`),
]
const services = [
  ...neighbours.map((name) => serviceOf(name, { metadata: { namespace: 'default' } })),
  serviceOf('admin-service', {
    metadata: { namespace: 'default' },
    ports: [
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'http-admin', port: 9090, targetPort: 8080 },
    ],
  }),
  serviceOf('telemetry', { metadata: { namespace: 'istio-system' } }),
]

let world: TrafficWorld
let app: Backend
let outside: Backend
beforeAll(async () => {
  world = await startTrafficWorld({
    namespaces: [namespaceOf('default'), namespaceOf('istio-system')],
    pods: [
      { name: 'order-service-0', namespace: 'default', labels: { app: 'order-service' } },
      { name: 'app-0', namespace: 'default' },
    ],
    services: services.map((service) => ({ service, pods: ['app-0'] })),
  })
  app = await startBackend('app', world.appAddress('app-0'))
  outside = await startBackend('outside', `${world.prefix}.200.1`)
})
afterAll(async () => {
  await app?.stop()
  await outside?.stop()
  await world?.stop()
})

/** As a program asks that honours HTTP_PROXY. */
async function ask(host: string) {
  const { address } = world.envoy('order-service-0')
  const { status, body } = await get(`http://${address}:15080`, { headers: { host } })
  return status === 200 ? body : status
}
const clusters = async () => {
  const { configs } = JSON.parse(
    await world.envoy('order-service-0').admin('/config_dump?resource=dynamic_active_clusters'),
  ) as { configs: { cluster: { name: string } }[] }
  return configs.map(({ cluster }) => cluster.name).filter((name) => name.startsWith('outbound|'))
}
/** Listeners that were taken away stay in the whole dump until they are drained. */
const bytes = async () =>
  (await world.envoy('order-service-0').admin('/config_dump?resource=dynamic_active_clusters')).length

describe('S04-9-sidecar-scope', () => {
  test('the proxy has what the Sidecar leaves and nothing else, and unknown hosts are treated as it says', async () => {
    const url = `${world.prefix}.200.1:8080`
    expect(await ask('other-3.default')).toBe('app')
    expect(await ask(url)).toBe('outside')
    const before = await bytes()

    const text = await readFile(join(import.meta.dirname, 'S04-9-sidecar-scope.yaml'), 'utf8')
    const printed = parse(text) as Sidecar
    const sidecar = { ...printed, metadata: { ...printed.metadata, uid: 'sidecar', generation: 1 } }
    await world.place(sidecarKind, sidecar)
    await eventually(async () =>
      expect((await clusters()).toSorted()).toEqual([
        'outbound|80||inventory-service.default.svc.cluster.local',
        'outbound|80||payment-service.default.svc.cluster.local',
        'outbound|80||telemetry.istio-system.svc.cluster.local',
      ]),
    )
    expect(await bytes()).toBeLessThan(before / 2)
    expect(await ask('payment-service.default')).toBe('app')
    expect(await ask('telemetry.istio-system')).toBe('app')
    expect(await get(world.url('order-service-0', 'default/payment-service'))).toMatchObject({ status: 200 })
    // ALLOW_ANY: it is passed on to whatever has the name, and nothing has it.
    expect(await ask('other-3.default.invalid')).toBe(503)
    expect(await ask(url)).toBe('outside')

    await world.place(sidecarKind, {
      ...sidecar,
      metadata: { ...sidecar.metadata, generation: 2 },
      spec: { ...sidecar.spec, outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } },
    })
    await eventually(async () => expect(await ask('other-3.default')).toBe(502))
    expect(await ask(url)).toBe(502)
    expect(await ask('inventory-service.default')).toBe('app')
  })
})

describe('ports that a Sidecar names for what a workload reaches', () => {
  test('are reached for their hosts alone, and all others as the last listener says', async () => {
    const kubernetes = world.api.client('test')
    for (const { metadata } of world.api.list(sidecarKind)) await kubernetes.delete(sidecarKind, metadata)
    await eventually(async () => expect(await ask('admin-service.default')).toBe('app'))
    const spec = {
      workloadSelector: { labels: { app: 'order-service' } },
      egress: [
        {
          port: { number: 80, protocol: 'HTTP', name: 'http' },
          hosts: ['./payment-service.default.svc.cluster.local'],
        },
        { hosts: ['*/*'] },
      ],
      outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
    }
    await world.place(sidecarKind, sidecarOf('ports', spec, { namespace: 'default', uid: 'ports' }))
    await eventually(async () => expect(await ask('admin-service.default')).toBe(502))
    await eventually(async () =>
      expect((await clusters()).toSorted()).toEqual([
        'outbound|80||payment-service.default.svc.cluster.local',
        'outbound|9090||admin-service.default.svc.cluster.local',
      ]),
    )
    expect(await ask('payment-service.default')).toBe('app')
    expect(await ask('admin-service.default:9090')).toBe('app')
    expect(await ask('telemetry.istio-system')).toBe(502)
    const { hostname } = new URL(world.url('order-service-0', 'default/admin-service'))
    await eventually(async () => expect(await get(`http://${hostname}:20080/`)).toMatchObject({ status: 0 }))
    expect(await get(`http://${hostname}:9090/`)).toMatchObject({ status: 200, body: 'app' })

    await kubernetes.delete(sidecarKind, { name: 'ports', namespace: 'default' })
    await eventually(async () => expect(await ask('admin-service.default')).toBe('app'))
  })
})

test('a listener of a Sidecar has an address of its own, and a port that nobody has is told of', async () => {
  const bind = `${world.prefix}.210.1`
  const port = (number: number) => ({ port: { number, protocol: 'HTTP', name: 'http' } })
  const hosts = ['./admin-service.default.svc.cluster.local']
  const placed = (...listeners: NonNullable<Sidecar['spec']['egress']>) =>
    world.place(
      sidecarKind,
      sidecarOf(
        'placed',
        {
          workloadSelector: { labels: { app: 'order-service' } },
          egress: [...listeners, { hosts: ['istio-system/*'] }],
        },
        { namespace: 'default', uid: 'placed' },
      ),
    )
  const condition = () =>
    world.api.list(sidecarKind).find(({ metadata }) => metadata.name === 'placed')?.status?.conditions?.[0]
  const askPlaced = async (host: string) => (await get(`http://${bind}:9090/`, { headers: { host } })).status
  await placed({ ...port(9090), bind, captureMode: 'NONE', hosts })
  await eventually(async () => expect(await askPlaced('admin-service.default')).toBe(200))
  const { hostname } = new URL(world.url('order-service-0', 'default/admin-service'))
  await eventually(async () => expect(await get(`http://${hostname}:9090/`)).toMatchObject({ status: 0 }))
  await placed({ ...port(9091), bind, hosts })
  await eventually(() =>
    expect(condition()).toMatchObject({
      status: 'False',
      reason: 'DestinationNotFound',
      message: 'spec.egress[0].port: no Service of its hosts has a port 9091 for HTTP, so nothing is reached by it',
    }),
  )
  await placed({ ...port(9090), hosts })
  await eventually(() => expect(condition()).toMatchObject({ status: 'True' }))
  await world.api.client('test').delete(sidecarKind, { name: 'placed', namespace: 'default' })
})

describe('listeners that a Sidecar names for a workload', () => {
  const named = (...ingress: NonNullable<Sidecar['spec']['ingress']>) =>
    world.place(
      sidecarKind,
      sidecarOf('app', { workloadSelector: { labels: { app: 'app' } }, ingress }, { namespace: 'default', uid: 'app' }),
    )
  const listener = (number: number, defaultEndpoint: string) => ({
    port: { number, protocol: 'HTTP', name: 'http' },
    defaultEndpoint,
  })
  const askPlain = (port: number) => get(`http://${world.envoy('app-0').address}:${port}/`)
  const service = 'payment-service.default'

  test('lead to where it says, with the mesh’s TLS, its policies and its metrics, and there are no others', async () => {
    const behind = await startBackend('behind', world.appAddress('app-0'), 9091)
    try {
      await named(listener(8080, '127.0.0.1:9091'))
      await eventually(async () => expect(await ask(service)).toBe('behind'))
      expect(behind.requests.at(-1)?.headers['x-forwarded-client-cert']).toContain('URI=spiffe://cluster.local/ns/')
      const counted = { reporter: 'destination', connection_security_policy: 'mutual_tls' }
      const sum = async () => sumOf(await samplesOf(world.envoy('app-0'), 'istio_requests_total'), counted)
      const before = await sum()
      expect(await ask(service)).toBe('behind')
      await eventually(async () => expect(await sum()).toBe(before + 1))

      await named(listener(7070, '0.0.0.0:9091'), listener(7071, '127.0.0.1:9091'))
      await eventually(async () => expect(await askPlain(7070)).toMatchObject({ status: 200, body: 'behind' }))
      await eventually(async () => expect(await askPlain(8080)).toMatchObject({ status: 0 }))
      await world.place(authorizationPolicyKind, {
        apiVersion: 'security.istio.io/v1',
        kind: 'AuthorizationPolicy',
        metadata: { name: 'closed', namespace: 'default' },
        spec: { action: 'DENY', rules: [{ to: [{ operation: { ports: ['7070'] } }] }] },
      })
      await eventually(async () => expect(await askPlain(7070)).toMatchObject({ status: 403 }))
      expect(await askPlain(7071)).toMatchObject({ status: 200, body: 'behind' })

      await using directory = await temporaryDirectory()
      const path = join(directory.path, 'app.sock')
      const atSocket = await startBackend('at socket', path)
      await named(listener(8080, `unix://${path}`))
      await eventually(async () => expect(await askPlain(8080)).toMatchObject({ status: 200, body: 'at socket' }))
      await atSocket.stop()

      await world.api.client('test').delete(sidecarKind, { name: 'app', namespace: 'default' })
      await eventually(async () => expect(await askPlain(8080)).toMatchObject({ status: 200, body: 'app' }))
    } finally {
      await behind.stop()
    }
  })
})
