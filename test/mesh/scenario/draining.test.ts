import { once } from 'node:events'
import { Agent } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setInterval } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  appAddressAnnotation,
  deploymentKind,
  type Pod,
  podKind,
  publishedPort,
  serviceAddressesAnnotation,
} from '../../../src/api/index.ts'
import { createProxyAdministration } from '../../../src/local/node-agent/pod/proxy-administration.ts'
import { eventually } from '../../support/eventually.ts'
import { barePod, type LocalCluster, scriptImage } from '../../support/local-cluster.ts'
import { get } from '../../support/mesh-world.ts'
import { type MeshedCluster, startMeshedCluster } from '../../support/meshed-cluster.ts'

/** It knows nothing of a graceful end: SIGTERM ends it at once, whatever it is busy with. */
const web = scriptImage(
  'test/web',
  `const held = []
  const answer = ({ url }, response) => {
    if (url === '/held') return held.push(response)
    if (url === '/release') for (const each of held.splice(0)) each.end(process.env.VERSION)
    setTimeout(() => response.end(process.env.VERSION), url === '/slow' ? 3000 : 0)
  }
  require('http').createServer(answer).listen(8080, process.env.HOST)
  require('http2').createServer(answer).listen(8081, process.env.HOST)
  require('net').createServer((socket) => socket.on('error', () => {}).on('data', (data) =>
    setTimeout(() => socket.write(data), 200))).listen(8082, process.env.HOST)`,
)

const idle = scriptImage('test/idle', 'setInterval(() => {}, 1000)')
const labels = { 'sidecar.istio.io/inject': 'true' }

const objects = [
  web,
  idle,
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      selector: { app: 'web' },
      ports: [
        { name: 'http', port: 80, targetPort: 8080 },
        { name: 'http2', port: 81, targetPort: 8081 },
        { name: 'tcp', port: 82, targetPort: 8082 },
      ],
    },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: { labels: { app: 'web', ...labels } },
        spec: {
          containers: [
            {
              name: 'web',
              image: 'test/web:0',
              ports: [8080, 8081, 8082].map((containerPort) => ({ containerPort })),
              readinessProbe: { tcpSocket: { port: 8082 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  },
]

let world: MeshedCluster
let cluster: LocalCluster
/** Where the client's Envoy takes connections for the Service. */
let address = ''
beforeAll(async () => {
  world = await startMeshedCluster()
  cluster = world.cluster
  const client = barePod('client', { image: 'test/idle:1' })
  await cluster.apply(...objects, { ...client, metadata: { ...client.metadata, labels } })
  await untilRolledOut()
  address = await eventually(async () => {
    const { metadata } = await cluster.pod('client')
    const found: unknown = JSON.parse(metadata.annotations?.[serviceAddressesAnnotation] ?? '{}')['default/web']
    if (typeof found !== 'string') throw new Error('the client has no address for web yet')
    return found
  })
  await eventually(async () => expect(await askHttp()).toBe('0'), { within: 30_000 })
})
afterAll(() => world?.[Symbol.asyncDispose]())

const untilRolledOut = () =>
  eventually(
    async () => {
      const { metadata, status } =
        (await cluster.client.get(deploymentKind, { namespace: 'default', name: 'web' })) ?? {}
      expect(status?.observedGeneration).toBe(metadata?.generation)
      expect(status).toMatchObject({ updatedReplicas: 2, replicas: 2, availableReplicas: 2 })
    },
    { within: 60_000, every: 50 },
  )

const replacePods = async (version: number) => {
  const containers = [{ name: 'web', image: `test/web:${version}` }]
  const patch = { spec: { template: { spec: { containers } } } }
  await cluster.client.patch(deploymentKind, { namespace: 'default', name: 'web' }, patch, { type: 'strategic' })
  await untilRolledOut()
}

const podsOfWeb = async () =>
  (await cluster.client.list(podKind, { namespace: 'default', labelSelector: 'app=web' })).items

/** What the pod's Envoy has not finished. */
const countRequests = (uid = '') =>
  createProxyAdministration(join(cluster.directory, 'run', `${uid.slice(0, 18)}.sock`), 'sidecar').countRequests()

const agent = new Agent({ keepAlive: true, maxSockets: 8 })
const slowAgent = new Agent({ keepAlive: true })
afterAll(() => {
  agent.destroy()
  slowAgent.destroy()
})

const askHttp = async (path = '/', by = agent) => {
  const { status, body } = await get(`http://${address}:${publishedPort(80)}${path}`, { agent: by })
  return status === 200 ? body : `${status}: ${body}`
}

async function askHttp2(session: ClientHttp2Session): Promise<string> {
  try {
    const stream = session.request({ ':path': '/' })
    const [headers] = await once(stream, 'response')
    let body = ''
    for await (const chunk of stream.setEncoding('utf8')) body += chunk
    return headers[':status'] === 200 ? body : `${headers[':status']}: ${body}`
  } catch (error) {
    return `failed: ${error}`
  }
}

/** One question and its answer a connection, which is closed then. */
async function askTcp(): Promise<string> {
  const socket = connect({ host: address, port: publishedPort(82) })
  try {
    socket.write('ping')
    const [answer] = await Promise.race([
      once(socket, 'data'),
      once(socket, 'close').then(() => ['closed without an answer']),
    ])
    return `${answer}` === 'ping' ? 'ok' : `${answer}`
  } catch (error) {
    return `failed: ${error}`
  } finally {
    socket.destroy()
  }
}

/** Asks again and again, so many times a second, whatever becomes of the questions before. */
async function repeat(eachMs: number, signal: AbortSignal, ask: () => Promise<string>): Promise<readonly string[]> {
  const answers: Promise<string>[] = []
  for await (const _ of setInterval(eachMs)) {
    if (signal.aborted) break
    answers.push(ask())
  }
  return await Promise.all(answers)
}

test('pods are replaced again and again under load, and no request fails', async () => {
  const stop = new AbortController()
  const session = connectHttp2(`http://${address}:${publishedPort(81)}`)
  session.on('error', () => {})
  const load = Promise.all([
    repeat(20, stop.signal, () => askHttp()),
    repeat(25, stop.signal, () => askHttp2(session)),
    repeat(400, stop.signal, () => askHttp('/slow', slowAgent)),
    repeat(50, stop.signal, askTcp),
  ])
  for (const version of [1, 2]) await replacePods(version)
  await eventually(async () => expect(await podsOfWeb()).toHaveLength(2), { within: 60_000 })
  stop.abort()
  const [http, http2, slow, tcp] = await load
  session.close()
  const unexpected = (answers: readonly string[]) => answers.filter((answer) => !/^(\d|ok)$/.test(answer))
  expect({ http, http2, slow, tcp }).toEqual({
    http: expect.arrayContaining(['0', '2']),
    http2: expect.arrayContaining(['0', '2']),
    slow: expect.arrayContaining(['0', '2']),
    tcp: expect.arrayContaining(['ok']),
  })
  expect([http, http2, slow, tcp].map(unexpected)).toEqual([[], [], [], []])
})

/** What is held back may be for half of it. */
const patiently = { gracePeriodSeconds: 120 }

/** Lets pods of the web answer what they hold back, past their proxies. */
async function release(pods: readonly Pod[]): Promise<void> {
  for (const { metadata } of pods) {
    const { status } = await get(`http://${metadata.annotations?.[appAddressAnnotation]}:8080/release`)
    expect(status).toBe(200)
  }
}

const untilDraining = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  eventually(
    async () => {
      const answer = await get(url, { agent: slowAgent, headers })
      expect(answer).toMatchObject({ status: 200, headers: { connection: 'close' } })
    },
    { what: 'clients are told to connect elsewhere' },
  )

test('whoever asks a pod that leaves is answered, and told to connect elsewhere', async () => {
  const [pod] = await podsOfWeb()
  if (pod === undefined) return expect.unreachable('there is no pod of web')
  const url = `http://${pod.status?.podIP}:8080`
  const asked = get(`${url}/held`, { agent: slowAgent, patienceMs: 60_000 })
  await eventually(async () => expect((await countRequests(pod.metadata.uid)).active).toBe(1))
  await cluster.client.delete(podKind, { namespace: 'default', name: pod.metadata.name }, patiently)
  await untilDraining(url)
  await release([pod])
  expect(await asked).toMatchObject({ status: 200, body: '2', headers: { connection: 'close' } })
})

test('a gateway that ends answers what it was asked, and tells its clients to connect elsewhere', async () => {
  const pod = barePod('ingress', { name: 'istio-proxy', image: 'auto' })
  const annotations = { 'inject.istio.io/templates': 'gateway' }
  const istio = { apiVersion: 'networking.istio.io/v1', metadata: { name: 'public', namespace: 'default' } }
  const servers = [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }]
  const gateway = { ...istio, kind: 'Gateway', spec: { selector: { app: 'ingress' }, servers } }
  const http = [{ route: [{ destination: { host: 'web', port: { number: 80 } } }] }]
  const routes = { ...istio, kind: 'VirtualService', spec: { hosts: ['shop.example'], gateways: ['public'], http } }
  const ingress = { ...pod, metadata: { ...pod.metadata, labels: { app: 'ingress', ...labels }, annotations } }
  await cluster.apply(ingress, gateway, routes)
  const headers = { host: 'shop.example' }
  const url = async () => `http://${(await cluster.pod('ingress')).status?.podIP}:${publishedPort(80)}`
  await eventually(async () => expect(await get(await url(), { headers })).toMatchObject({ status: 200 }), {
    within: 30_000,
  })
  const place = await url()
  const { uid } = (await cluster.pod('ingress')).metadata
  await untilRolledOut()
  const asked = get(`${place}/held`, { headers, agent: slowAgent, patienceMs: 60_000 })
  await eventually(async () => expect((await countRequests(uid)).active).toBe(1))
  await cluster.client.delete(podKind, { namespace: 'default', name: 'ingress' }, patiently)
  await untilDraining(place, headers)
  await release((await podsOfWeb()).filter(({ metadata }) => metadata.deletionTimestamp === undefined))
  expect(await asked).toMatchObject({ status: 200, headers: { connection: 'close' } })
  // It ends when nothing has come for a while.
  await eventually(async () => expect(await get(place, { headers })).toMatchObject({ status: 0 }), {
    within: 30_000,
    every: 1_000,
  })
})
