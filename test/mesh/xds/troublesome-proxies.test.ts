import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createProxyViews } from '../../../src/mesh/control-plane/proxy-views.ts'
import { eachType } from '../../../src/mesh/envoy/index.ts'
import { nodeId } from '../../../src/mesh/model/index.ts'
import { type AdsServer, createAdsServer, type Snapshot } from '../../../src/mesh/xds/index.ts'
import { createLogger } from '../../../src/runtime/index.ts'
import { eventually } from '../../support/eventually.ts'
import { openRawStream, type RawStream } from '../../support/raw-stream.ts'
import { encodeRequest, startScriptedProxy } from '../../support/scripted-proxy.ts'
import { createTlsAuthority } from '../../support/tls-authority.ts'

const authority = await createTlsAuthority()
const leaf = await authority.issue(['xds.example'])
const idOf = (pod: string): string => nodeId({ role: 'sidecar', address: '127.20.1.1', pod, namespace: 'shop' })
const [good, bad] = [idOf('good'), idOf('bad')]
const kilobytes = 512

/** One cluster whose bytes are its own; its version is the number. */
function snapshotOf(version: number): Snapshot {
  const bytes = randomBytes(kilobytes * 1024)
  const cluster = { name: 'a', version: `${version}`, bytes, clusters: [], needs: [] }
  return {
    version: () => `${version}`,
    resources: { ...eachType(() => new Map()), cluster: new Map([['a', cluster]]) },
  }
}

let server: AdsServer
let port = 0
let lines: Record<string, unknown>[]
/** Responses that each node was sent. */
let pushes: Map<string, number>
let stops: (() => void)[]
const snapshots = new Map<string, Snapshot>()
const views = createProxyViews(() => ({ connected: server.connected(), configuration: { snapshots } }))
const syncOf = (pod: string) => views.statuses().find(({ proxy }) => proxy === `${pod}.shop`)?.types.cluster

function change(version: number): void {
  for (const node of [good, bad]) {
    const snapshot = snapshotOf(version)
    snapshots.set(node, snapshot)
    server.setSnapshot(node, snapshot)
  }
}

beforeEach(async () => {
  lines = []
  pushes = new Map()
  server = createAdsServer({
    host: '127.0.0.1',
    port: 0,
    certificate: { current: () => leaf, onChange: () => () => undefined },
    // The token is the pod's name.
    authenticate: async (pod) => ({ namespace: 'shop', pod }),
    log: createLogger({ name: 'mesh', destination: { write: (line) => void lines.push(JSON.parse(line)) } }),
    observer: { pushed: (node) => void pushes.set(node, (pushes.get(node) ?? 0) + 1) },
  })
  port = await server.listen()
  change(1)
  const proxy = startScriptedProxy({ address: '127.0.0.1', port, id: good, token: 'good' })
  stops = [proxy.stop, server.close]
  await eventually(() => expect(syncOf('good')).toBe('SYNCED'))
})
afterEach(() => {
  for (const stop of stops) stop()
})

function open(): RawStream {
  const stream = openRawStream(port, 'bad')
  stops.unshift(stream.close)
  return stream
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** In megabytes, what buffers hold. */
function held(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers / 2 ** 20
}

const CHANGES = 60

async function changeOften(): Promise<void> {
  for (let version = 2; version <= CHANGES; version += 1) {
    change(version)
    await setImmediate()
  }
  await eventually(() => expect(syncOf('good')).toBe('SYNCED'))
}

/** Each change of the two is a megabyte. */
const untilLittleIsKept = (before: number) => eventually(() => expect(held() - before).toBeLessThan(10))

describe('a proxy that', () => {
  test('does not read is kept one response of a type, then sent the newest; nobody waits for it', async () => {
    const stream = open()
    stream.write(encodeRequest('cluster', { id: bad }))
    await eventually(() => expect(pushes.get(bad)).toBe(1))
    const before = held()
    await changeOften()
    expect([pushes.get(bad), syncOf('bad')]).toEqual([1, 'STALE'])
    await untilLittleIsKept(before)
    stream.read()
    const [first] = await eventually(() => {
      expect(stream.responses).toHaveLength(1)
      return stream.responses
    })
    stream.write(encodeRequest('cluster', { nonce: first?.nonce ?? '' }))
    const second = await eventually(() => {
      expect(stream.responses).toHaveLength(2)
      return stream.responses[1]
    })
    stream.write(encodeRequest('cluster', { nonce: second?.nonce ?? '' }))
    await eventually(() => expect(syncOf('bad')).toBe('SYNCED'))
  })

  test('never answers is sent nothing more of the type, and is seen to lag', async () => {
    const stream = open()
    stream.read()
    stream.write(encodeRequest('cluster', { id: bad }))
    await eventually(() => expect(stream.responses).toHaveLength(1))
    const before = held()
    await changeOften()
    expect([stream.responses.length, pushes.get(bad), syncOf('bad')]).toEqual([1, 1, 'STALE'])
    await untilLittleIsKept(before)
  })

  test('answers what nobody sent, or asks for what nobody serves, is told nothing and goes on', async () => {
    const stream = open()
    stream.read()
    stream.write(encodeRequest('cluster', { id: bad }))
    const [first] = await eventually(() => {
      expect(stream.responses).toHaveLength(1)
      return stream.responses
    })
    stream.write(encodeRequest('cluster', { nonce: 'no such' }))
    stream.write(encodeRequest('type.googleapis.com/envoy.service.runtime.v3.Runtime', { names: ['r'] }))
    await eventually(() =>
      expect(lines).toContainEqual(
        expect.objectContaining({ node: bad, msg: 'proxy asks for a type that is not served' }),
      ),
    )
    expect(syncOf('bad')).toBe('STALE')
    stream.write(encodeRequest('cluster', { nonce: first?.nonce ?? '' }))
    await eventually(() => expect(syncOf('bad')).toBe('SYNCED'))
  })
})

const many = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `name-${from + index}`)
const hello = encodeRequest('cluster', { id: bad })
const asking = (...names: string[]) => encodeRequest('endpoints', { names })
const noRequest = 'it sent what is no discovery request'

describe('a stream ends with a status, and the log says whose it was, when it', () => {
  interface Row {
    readonly what: string
    readonly requests: readonly Buffer[]
    readonly code: status
    readonly problem: string
    /** Whom the log names beside the pod of the token. */
    readonly node?: string
  }
  const [invalid, tooMuch] = [status.INVALID_ARGUMENT, status.RESOURCE_EXHAUSTED]
  const tooMany = 'it names more than 100000 resources'
  const tooLong = 'a resource name has more than 1000 characters'
  const rows: readonly Row[] = [
    { what: 'begins with garbage', requests: [Buffer.alloc(64, 255)], code: invalid, problem: noRequest },
    {
      what: 'goes on with garbage',
      requests: [hello, Buffer.from([10, 255])],
      code: invalid,
      problem: noRequest,
      node: bad,
    },
    { what: 'names no node', requests: [asking()], code: invalid, problem: 'its first request must carry node.id' },
    {
      what: 'names the node of another pod',
      requests: [encodeRequest('cluster', { id: good })],
      code: status.PERMISSION_DENIED,
      problem: 'its token is that of another pod',
      node: good,
    },
    {
      what: 'asks for very many resources at once',
      requests: [hello, asking(...many(100_001))],
      code: tooMuch,
      problem: tooMany,
      node: bad,
    },
    {
      what: 'asks for very many resources by and by',
      requests: [hello, asking(...many(60_000)), asking(...many(60_000, 60_000))],
      code: tooMuch,
      problem: tooMany,
      node: bad,
    },
    {
      what: 'asks by a very long name',
      requests: [hello, asking('n'.repeat(1_001))],
      code: tooMuch,
      problem: tooLong,
      node: bad,
    },
  ]
  test.each(rows)('$what', async ({ requests, code, problem, node }) => {
    const stream = open()
    stream.read()
    for (const request of requests) stream.write(request)
    expect(await stream.ended).toMatchObject({ code, details: problem })
    const line = lines.find(({ msg }) => msg === `proxy refused: ${problem}`)
    expect(line).toMatchObject({ pod: 'bad', namespace: 'shop', ...(node === undefined ? {} : { node }) })
    expect(syncOf('bad')).toBeUndefined()
    change(2)
    await eventually(() => expect(syncOf('good')).toBe('SYNCED'))
  })

  test('sends more than a request may have', async () => {
    const stream = open()
    stream.read()
    stream.write(hello)
    await eventually(() => expect(stream.responses).toHaveLength(1))
    stream.write(Buffer.alloc(5 << 20))
    expect(await stream.ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED })
    await eventually(() =>
      expect(lines).toContainEqual(expect.objectContaining({ node: bad, msg: 'proxy disconnected' })),
    )
    expect(syncOf('good')).toBe('SYNCED')
  })
})
