import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { destinationRuleKind, serviceKind, virtualServiceKind } from '../../../src/api/index.ts'
import { eventually } from '../../support/eventually.ts'
import { destinationRuleOf, namespaceName, serviceOf, virtualServiceOf } from '../../support/mesh-objects.ts'
import { readVirtualService, samplesOf, sumOf } from '../../support/mesh-world.ts'
import { startTrafficWorld, type TrafficWorld } from '../../support/traffic-world.ts'

const versions = ['v1', 'v2'] as const
const identity = (bytes: Buffer): Buffer => bytes
const codec = {
  requestSerialize: identity,
  requestDeserialize: identity,
  responseSerialize: identity,
  responseDeserialize: identity,
}

/** Says its name: once, three times in a stream, or only at the second call. */
async function startGrpcServer(name: string, host: string) {
  let calls = 0
  let refusals = 0
  const health = { isServing: true, asked: [] as string[] }
  const answer = Buffer.from(name)
  const server = new Server()
  server.addService(
    {
      check: { path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false, ...codec },
      say: { path: '/shop.Echo/Say', requestStream: false, responseStream: false, ...codec },
      refuse: { path: '/shop.Echo/Refuse', requestStream: false, responseStream: false, ...codec },
      repeat: { path: '/shop.Echo/Repeat', requestStream: false, responseStream: true, ...codec },
    },
    {
      /** As gRPC defines it: a message whose first field is the name asked for, or 1 for SERVING and 2 for NOT_SERVING. */
      check({ request }: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) {
        health.asked.push(request.subarray(2).toString())
        respond(null, Buffer.from([8, health.isServing ? 1 : 2]))
      },
      say(_: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) {
        calls += 1
        respond(null, answer)
      },
      refuse(call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) {
        refusals += 1
        const code = call.request.toString() === 'unavailable' ? status.UNAVAILABLE : status.NOT_FOUND
        respond({ code, details: name })
      },
      repeat(call: ServerWritableStream<Buffer, Buffer>) {
        for (let turn = 0; turn < 3; turn += 1) call.write(answer)
        call.end()
      },
    },
  )
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`${host}:9000`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    ),
  )
  return { health, calls: () => calls, refusals: () => refusals, stop: () => server.forceShutdown() }
}

let world: TrafficWorld
let servers: Awaited<ReturnType<typeof startGrpcServer>>[] = []
let client: Client
beforeAll(async () => {
  world = await startTrafficWorld({
    pods: [
      { name: 'client-0' },
      ...versions.map((version) => ({ name: `echo-${version}`, labels: { app: 'echo', version }, port: 9000 })),
    ],
    services: [
      {
        service: serviceOf('echo', { ports: [{ name: 'grpc-echo', port: 9000, targetPort: 9000 }] }),
        pods: ['echo-v1', 'echo-v2'],
      },
    ],
  })
  servers = await Promise.all(versions.map((version) => startGrpcServer(version, world.appAddress(`echo-${version}`))))
  client = new Client(`${new URL(world.url('client-0', 'shop/echo')).hostname}:9000`, credentials.createInsecure())
})
afterAll(async () => {
  client?.close()
  for (const server of servers) server.stop()
  await world?.stop()
})

const call = (method: string, text = '') =>
  new Promise<string | number>((resolve) => {
    client.makeUnaryRequest(
      `/shop.Echo/${method}`,
      identity,
      identity,
      Buffer.from(text),
      (error: ServiceError | null, answer?: Buffer) => resolve(error === null ? String(answer) : error.code),
    )
  })

const countIn = async (pod: string, labels: Readonly<Record<string, string>>) =>
  sumOf(await samplesOf(world.envoy(pod), 'istio_requests_total'), { request_protocol: 'grpc', ...labels })

test('calls of one channel are spread over the endpoints, and a stream comes whole', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, () => call('Say')))
  expect(new Set(answers)).toEqual(new Set(versions))
  const parts: string[] = []
  await new Promise<void>((resolve, reject) => {
    const stream = client.makeServerStreamRequest('/shop.Echo/Repeat', identity, identity, Buffer.alloc(0))
    stream.on('data', (part: Buffer) => parts.push(part.toString()))
    stream.on('error', reject)
    stream.on('end', resolve)
  })
  expect(parts).toEqual([parts[0], parts[0], parts[0]])
})

test('metrics say that it was gRPC, and how it ended', async () => {
  const before = await countIn('client-0', { reporter: 'source', grpc_response_status: '5', response_code: '200' })
  expect(await call('Refuse', 'not found')).toBe(status.NOT_FOUND)
  await eventually(async () => {
    const labels = { grpc_response_status: '5', response_code: '200' }
    expect((await countIn('client-0', { reporter: 'source', ...labels })) - before).toBe(1)
    const sides = await Promise.all(
      versions.map((version) => countIn(`echo-${version}`, { reporter: 'destination', ...labels })),
    )
    expect(sides.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0)
    expect(await countIn('client-0', { reporter: 'source', grpc_response_status: '0' })).toBeGreaterThan(0)
  })
})

test('a call whose status says "try again" is tried again', async () => {
  const refused = () => servers.reduce((sum, server) => sum + server.refusals(), 0)
  const before = refused()
  expect(await call('Refuse', 'unavailable')).toBe(status.UNAVAILABLE)
  // Istio's default: two retries.
  expect(refused() - before).toBe(3)
})

test('a route asks for the method by its path', async () => {
  const subsets = versions.map((version) => ({ name: version, labels: { version } }))
  await world.place(destinationRuleKind, destinationRuleOf('echo', { host: 'echo', subsets }))
  const to = (subset: string) => [{ destination: { host: 'echo', subset } }]
  await world.place(
    virtualServiceKind,
    virtualServiceOf('echo', {
      http: [{ match: [{ uri: { prefix: '/shop.Echo/Say' } }], route: to('v2') }, { route: to('v1') }],
    }),
  )
  await eventually(() => {
    const conditions = readVirtualService(world.api, 'echo', namespaceName)?.status?.conditions
    expect(conditions).toContainEqual(expect.objectContaining({ type: 'Programmed', status: 'True' }))
  })
  expect(new Set(await Promise.all(Array.from({ length: 20 }, () => call('Say'))))).toEqual(new Set(['v2']))
  const before = servers.map((server) => server.refusals())
  await call('Refuse')
  expect(servers.map((server, index) => server.refusals() - (before[index] ?? 0))).toEqual([1, 0])
})

test('an endpoint whose health service says that it does not serve is left out until it says otherwise', async () => {
  await world.api.client('test').delete(virtualServiceKind, { name: 'echo', namespace: namespaceName })
  const ports = [{ name: 'grpc-echo', port: 9000, targetPort: 9000 }]
  const check = 'grpc: { service: shop.Echo }\ninterval: 100ms\nhealthyThreshold: 1\nunhealthyThreshold: 2'
  const annotations = { 'mesh.sluice.dev/health-check': check }
  await world.place(serviceKind, serviceOf('echo', { ports, metadata: { annotations } }))
  const [first] = servers
  const answering = async () => [...new Set(await Promise.all(Array.from({ length: 20 }, () => call('Say'))))].sort()
  await eventually(async () => expect(first?.health.asked).toContain('shop.Echo'))
  await eventually(async () => expect(await answering()).toEqual(['v1', 'v2']))
  if (first !== undefined) first.health.isServing = false
  await eventually(async () => expect(await answering()).toEqual(['v2']))
  if (first !== undefined) first.health.isServing = true
  await eventually(async () => expect(await answering()).toEqual(['v1', 'v2']))
})
