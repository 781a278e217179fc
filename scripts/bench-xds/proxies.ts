import { createInterface } from 'node:readline'
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { type ResourceType, renderMesh, typeUrls } from '../../src/mesh/envoy/index.ts'
import { translate } from '../../src/mesh/istio/index.ts'
import { type Converged, say } from './messages.ts'
import { createObjects } from './objects.ts'
import { openStream } from './stream.ts'
import { markerOf } from './world.ts'

/**
 * Many proxies that accept whatever they are sent, each on a connection of its own. They ask in the order of Envoy and
 * look for the marker of the round in what they get.
 */
const [port = '', services = '', proxies = ''] = process.argv.slice(2)
const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources'

/** Field numbers of DeltaDiscoveryRequest and of its response. */
const field = { node: 1, typeUrl: 2, names: 3, nonce: 6 }
const responseField = { typeUrl: 4, nonce: 5 }

function encodeNames(type: ResourceType, names: readonly string[]): Uint8Array {
  const writer = new BinaryWriter()
  writer.tag(field.typeUrl, WireType.LengthDelimited).string(typeUrls[type])
  for (const name of names) writer.tag(field.names, WireType.LengthDelimited).string(name)
  return writer.finish()
}

function encodeNode(id: string): Uint8Array {
  const node = new BinaryWriter().tag(1, WireType.LengthDelimited).string(id).finish()
  return new BinaryWriter().tag(field.node, WireType.LengthDelimited).bytes(node).finish()
}

const encodeNonce = (nonce: string): Uint8Array =>
  new BinaryWriter().tag(field.nonce, WireType.LengthDelimited).string(nonce).finish()

/** Type and nonce only: what a response carries is not looked into. */
function readHead(response: Buffer): { readonly typeUrl: string; readonly nonce: string } {
  const reader = new BinaryReader(response)
  let [typeUrl, nonce] = ['', '']
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag()
    if (number === responseField.typeUrl) typeUrl = reader.string()
    else if (number === responseField.nonce) nonce = reader.string()
    else reader.skip(wire)
  }
  return { typeUrl, nonce }
}

const order = ['cluster', 'endpoints', 'listener', 'routes', 'virtualHost'] as const satisfies readonly ResourceType[]
type Asked = (typeof order)[number]
type Subscriptions = Readonly<Record<Asked, Uint8Array>>
/** What a request says beside the nonce that it answers. */
const accepting: Subscriptions = {
  cluster: encodeNames('cluster', []),
  endpoints: encodeNames('endpoints', []),
  listener: encodeNames('listener', []),
  routes: encodeNames('routes', []),
  virtualHost: encodeNames('virtualHost', []),
}
let marker: string | undefined
let accepted: bigint[] = []
let isConverged = (): void => undefined

function lookForMarker(response: Buffer): void {
  if (marker === undefined || !response.includes(marker)) return
  accepted.push(process.hrtime.bigint())
  isConverged()
}

async function openProxy(id: string, subscriptions: Subscriptions): Promise<void> {
  const open: Asked[] = [...order]
  const { promise: hasAll, resolve } = Promise.withResolvers<void>()
  const askNext = (): void => {
    const type = open.shift()
    if (type !== undefined) stream.send(encodeNode(id), subscriptions[type])
  }
  const received = (response: Buffer): void => {
    const { typeUrl, nonce } = readHead(response)
    const type = order.find((candidate) => typeUrls[candidate] === typeUrl)
    if (type === undefined) return
    stream.send(accepting[type], encodeNonce(nonce))
    lookForMarker(response)
    if (order.indexOf(type) !== order.length - open.length - 1) return
    if (open.length === 0) resolve()
    askNext()
  }
  // The name of the pod, as the server of the bench has it.
  const token = id.split('~')[2]?.split('.')[0] ?? ''
  const stream = await openStream({ port: Number(port), path, token, received })
  askNext()
  await hasAll
}

const mesh = translate(createObjects({ services: Number(services), proxies: Number(proxies) }))
const endpoints = mesh.clusters.map(({ name }) => name)
const rendered = renderMesh(mesh)
const everything = {
  cluster: encodeNames('cluster', []),
  endpoints: encodeNames('endpoints', endpoints),
  listener: encodeNames('listener', []),
  virtualHost: encodeNames('virtualHost', []),
}

// All at once, a thousand proxies would be a bench of starting.
const waiting = [...rendered].map(([id, resources]) => ({
  id,
  routes: resources.filter(({ type }) => type === 'routes').map(({ name }) => name),
}))
const total = waiting.length
const opener = async (): Promise<void> => {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    await openProxy(next.id, { ...everything, routes: encodeNames('routes', next.routes) })
  }
}
await Promise.all(Array.from({ length: 20 }, opener))
say({ connected: total })

for await (const line of createInterface({ input: process.stdin })) {
  marker = markerOf(Number(line.split(' ')[1]))
  accepted = []
  const converged = new Promise<void>((resolve) => {
    isConverged = () => {
      if (accepted.length === total) resolve()
    }
  })
  say({ expecting: marker })
  await converged
  say({ median: `${accepted[accepted.length >> 1]}`, last: `${accepted.at(-1)}` } satisfies Converged)
}
