import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { Client, type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js'
import { type ResourceType, resourceTypes, trustSecret, typeUrls } from '../../src/mesh/envoy/index.ts'

/** A proxy over incremental xDS that accepts what it is sent, unless it is told otherwise. */
export interface ScriptedProxy {
  /** Whether it has accepted something of the type on its present stream. */
  has(type: ResourceType): boolean
  /** From now on it answers nothing; `resume` answers everything that came meanwhile. */
  pause(): void
  resume(): void
  /** From now on every response of the type is rejected. */
  reject(type: ResourceType, message: string): void
  stop(): void
}

export interface ScriptedProxyOptions {
  readonly address: string
  readonly port: number
  /** Of the node. */
  readonly id: string
  readonly token: string
  /** Whether it asks for the roots of the mesh, as an Envoy does. */
  readonly asksForRoots?: boolean
}

const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources'
const raw = (bytes: Buffer): Buffer => bytes
/** Of DeltaDiscoveryRequest. */
const field = { node: 1, typeUrl: 2, subscribe: 3, nonce: 6, error: 7 } as const

export function startScriptedProxy({ asksForRoots = false, ...options }: ScriptedProxyOptions): ScriptedProxy {
  const { address, port, id, token } = options
  const client = new Client(
    `${address}:${port}`,
    credentials.createSsl(null, null, null, { rejectUnauthorized: false }),
    {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.ssl_target_name_override': 'localhost',
    },
  )
  const metadata = new Metadata()
  metadata.set('authorization', `Bearer ${token}`)
  const accepted = new Set<ResourceType>()
  const rejects = new Map<ResourceType, string>()
  let held: (() => void)[] | undefined
  let isStopped = false
  let call: ClientDuplexStream<Buffer, Buffer>

  const open = (): void => {
    accepted.clear()
    call = client.makeBidiStreamRequest(path, raw, raw, metadata)
    // As Envoy does after a restart of the control plane, or before its certificate is there.
    call.on('error', () => {
      if (!isStopped) setTimeout(open, 50)
    })
    call.on('data', (response: Buffer) => {
      const answer = () => answerTo(call, response, rejects, accepted)
      if (held === undefined) answer()
      else held.push(answer)
    })
    for (const type of ['cluster', 'listener'] as const) call.write(encodeRequest(type, { id }))
    if (asksForRoots) call.write(encodeRequest('secret', { names: [trustSecret] }))
  }
  open()
  return {
    has: (type) => accepted.has(type),
    pause() {
      held = []
    },
    resume() {
      const answers = held ?? []
      held = undefined
      for (const answer of answers) answer()
    },
    reject: (type, message) => void rejects.set(type, message),
    stop() {
      isStopped = true
      call.cancel()
      client.close()
    },
  }
}

function answerTo(
  call: ClientDuplexStream<Buffer, Buffer>,
  response: Buffer,
  rejects: ReadonlyMap<ResourceType, string>,
  accepted: Set<ResourceType>,
): void {
  const { typeUrl, nonce, names } = readResponse(response)
  const type = resourceTypes.find((candidate) => typeUrls[candidate] === typeUrl)
  if (type === undefined) return
  const error = rejects.get(type)
  call.write(encodeRequest(type, { nonce, error }))
  if (error !== undefined) return
  accepted.add(type)
  if (type === 'cluster') call.write(encodeRequest('endpoints', { names }))
  // Without a look into the listeners: all that they may name.
  if (type === 'listener') call.write(encodeRequest('routes', { names: tableNames }))
  if (type === 'routes') call.write(encodeRequest('virtualHost', {}))
}

const tableNames = [
  'http_proxy',
  ...['web', 'web-primary', 'web-canary'].map((name) => `${name}.shop.svc.cluster.local:80`),
]

/** A DeltaDiscoveryRequest; a type that is no word of ours is taken for a whole URL. */
export function encodeRequest(
  type: ResourceType | `type.googleapis.com/${string}`,
  request: {
    readonly id?: string
    readonly names?: readonly string[]
    readonly nonce?: string
    readonly error?: string | undefined
  },
): Buffer {
  const writer = new BinaryWriter()
  const text = (number: number, value: string) => writer.tag(number, WireType.LengthDelimited).string(value)
  const message = (number: number, bytes: Uint8Array) => writer.tag(number, WireType.LengthDelimited).bytes(bytes)
  const { id, names = [], nonce, error } = request
  if (id !== undefined) message(field.node, new BinaryWriter().tag(1, WireType.LengthDelimited).string(id).finish())
  text(field.typeUrl, type in typeUrls ? typeUrls[type as ResourceType] : type)
  for (const name of names) text(field.subscribe, name)
  if (nonce !== undefined) text(field.nonce, nonce)
  if (error !== undefined)
    message(field.error, new BinaryWriter().tag(2, WireType.LengthDelimited).string(error).finish())
  return Buffer.from(writer.finish())
}

/** Type, nonce and names of what a response carries; the resources are not looked into. */
export function readResponse(response: Buffer) {
  const reader = new BinaryReader(response)
  const read = { typeUrl: '', nonce: '', names: [] as string[] }
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag()
    if (number === 2) read.names.push(readName(reader.bytes()))
    else if (number === 4) read.typeUrl = reader.string()
    else if (number === 5) read.nonce = reader.string()
    else reader.skip(wire)
  }
  return read
}

function readName(resource: Uint8Array): string {
  const reader = new BinaryReader(resource)
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag()
    if (number === 3) return reader.string()
    reader.skip(wire)
  }
  return ''
}
