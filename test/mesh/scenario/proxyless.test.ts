import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js'
import { register } from '@grpc/grpc-js-xds'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  endpointSliceKind,
  injectTemplatesAnnotation,
  podKind,
  serviceKind,
  virtualServiceKind,
} from '../../../src/api/index.ts'
import { nodeId } from '../../../src/mesh/model/index.ts'
import { eventually } from '../../support/eventually.ts'
import { claimLoopbackBlock, type LoopbackBlock } from '../../support/loopback-block.ts'
import { createMemoryApi } from '../../support/memory-api.ts'
import {
  meshPodOf,
  namespaceName,
  serviceOf,
  sliceOf,
  splitBetween,
  virtualServiceOf,
} from '../../support/mesh-objects.ts'
import { place, podToken, type RunningMesh, readVirtualService, startMesh } from '../../support/mesh-world.ts'
import { startXdsAgent, type XdsAgent } from '../../support/xds-agent.ts'

/** The second implementation: gRPC's own xDS client, not Envoy, reads what the mesh serves. */
register()

const api = createMemoryApi(Date.now)
const servers: Server[] = []
let block: LoopbackBlock
let mesh: RunningMesh
let agent: XdsAgent
let client: Client

const raw = (bytes: Buffer): Buffer => bytes

/** Says its name, whatever it is asked. */
async function startGrpcServer(name: string, address: string): Promise<void> {
  const server = new Server()
  const definition = { path: '/shop.Web/Name', requestStream: false, responseStream: false } as const
  const serializers = {
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  }
  server.addService(
    { name: { ...definition, ...serializers } },
    { name: (_: unknown, answer: (error: null, name: Buffer) => void) => answer(null, Buffer.from(name)) },
  )
  servers.push(server)
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`${address}:9000`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    )
  })
}

const call = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const deadline = Date.now() + 30_000
    client.makeUnaryRequest('/shop.Web/Name', raw, raw, Buffer.alloc(0), { deadline }, (error, answer) =>
      error === null ? resolve(String(answer)) : reject(error),
    )
  })

async function sharesOf(calls: number): Promise<Readonly<Record<string, number>>> {
  const answers = await Promise.all(Array.from({ length: calls }, call))
  return Object.fromEntries([...Map.groupBy(answers, (name) => name)].map(([name, all]) => [name, all.length]))
}

/** Resolves once the mesh says that the client has it. */
async function routed(...http: readonly object[]): Promise<void> {
  const { metadata } = await place(api, virtualServiceKind, virtualServiceOf('web', { http }))
  await eventually(() =>
    expect(readVirtualService(api, 'web', namespaceName)?.status?.conditions?.[0]).toMatchObject({
      status: 'True',
      message: '1 proxy has the route',
      observedGeneration: metadata.generation,
    }),
  )
}

beforeAll(async () => {
  block = await claimLoopbackBlock()
  const names = ['web-primary', 'web-canary']
  const backends = names.map((name, index) =>
    meshPodOf(name, { ip: `${block.prefix}.1.${index + 2}`, isMeshed: false }),
  )
  const application = meshPodOf('client-0', { ip: `${block.prefix}.1.1` })
  const annotations = { [injectTemplatesAnnotation]: 'grpc-agent' }
  await place(api, podKind, { ...application, metadata: { ...application.metadata, annotations } })
  for (const pod of backends) await place(api, podKind, pod)
  for (const [index, name] of ['web', ...names].entries()) {
    await place(api, serviceKind, serviceOf(name, { ports: [{ name: 'grpc', port: 7070, targetPort: 9000 }] }))
    const slice = sliceOf(name, backends.slice(Math.max(0, index - 1), Math.max(1, index)), 9000)
    await place(api, endpointSliceKind, { ...slice, ports: [{ name: 'grpc', port: 9000 }] })
  }
  for (const pod of backends) await startGrpcServer(pod.metadata.name, pod.status?.podIP ?? '')
  mesh = await startMesh({ api, host: '127.0.0.1' })
  agent = await startXdsAgent({ address: '127.0.0.1', port: mesh.port, token: podToken('client-0') })
  const id = nodeId({ role: 'proxyless', address: `${block.prefix}.1.1`, pod: 'client-0', namespace: namespaceName })
  client = new Client('xds:///web.shop.svc.cluster.local:7070', credentials.createInsecure(), {
    'grpc.TEST_ONLY_DO_NOT_USE_IN_PROD.xds_bootstrap_config': JSON.stringify({
      xds_servers: [
        { server_uri: `127.0.0.1:${agent.port}`, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] },
      ],
      node: { id, locality: {}, metadata: { GENERATOR: 'grpc' } },
    }),
  })
})
afterAll(async () => {
  client?.close()
  await agent?.stop()
  await mesh?.stop()
  for (const server of servers) server.forceShutdown()
  await block?.[Symbol.asyncDispose]()
})

test('a gRPC client finds its servers by the name of a Service', async () => {
  expect(await sharesOf(20)).toEqual({ 'web-primary': 20 })
})

test('its shares are those of the route, from the moment the route is programmed', async () => {
  await routed({ route: splitBetween('web-primary', 'web-canary', 100) })
  expect(await sharesOf(20)).toEqual({ 'web-canary': 20 })
  await routed({ route: splitBetween('web-primary', 'web-canary', 25) })
  const { 'web-canary': canary = 0 } = await sharesOf(600)
  // 150 expected; five deviations of a fair draw to either side.
  expect(canary).toBeGreaterThan(97)
  expect(canary).toBeLessThan(203)
})

test('matches and what it cannot do by itself do not break its other routes', async () => {
  await routed(
    { match: [{ uri: { exact: '/closed' } }], directResponse: { status: 503 } },
    {
      match: [{ uri: { prefix: '/shop.Web/' } }],
      corsPolicy: { allowOrigins: [{ exact: 'http://a' }] },
      route: [{ destination: { host: 'web-canary' } }],
    },
    { route: [{ destination: { host: 'web-primary' } }] },
  )
  expect(await sharesOf(20)).toEqual({ 'web-canary': 20 })
})

test('a route to a destination that does not exist is refused, and the next one is taken up', async () => {
  await place(
    api,
    virtualServiceKind,
    virtualServiceOf('web', { http: [{ route: [{ destination: { host: 'gone' } }] }] }),
  )
  await eventually(() => {
    const { conditions = [] } = readVirtualService(api, 'web', namespaceName)?.status ?? {}
    expect(conditions).toMatchObject([{ status: 'False', reason: 'DestinationNotFound' }])
  })
  expect(await sharesOf(20)).toEqual({ 'web-canary': 20 })
  await routed({ route: [{ destination: { host: 'web-primary' } }] })
  expect(await sharesOf(20)).toEqual({ 'web-primary': 20 })
})
