import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { servicesOf, type TraceNode, tracesOf } from '../../../scripts/sample-traces/traces.ts'
import { publishedPort } from '../../../src/api/index.ts'
import { type Child, silentLogger, spawnChild } from '../../../src/runtime/index.ts'
import { eventually } from '../../support/eventually.ts'
import { serviceOf } from '../../support/mesh-objects.ts'
import { get } from '../../support/mesh-world.ts'
import { startTraceCollector, type TraceCollector } from '../../support/trace-collector.ts'
import { startTrafficWorld, type TrafficWorld } from '../../support/traffic-world.ts'

const names = ['gateway', 'order', 'payment', 'inventory', 'risk'] as const
const program = fileURLToPath(new URL('../../../samples/five-services/service.js', import.meta.url))

const server = (service: string, ...caused: readonly TraceNode[]): TraceNode => ({ kind: 'SERVER', service, caused })
const call = (from: string, to: TraceNode): TraceNode => ({ kind: 'CLIENT', service: from, caused: [to] })

let world: TrafficWorld
let collector: TraceCollector
const programs: Child[] = []

/** A service as its pod runs it. */
function startService(name: string, keepTrace: 'yes' | 'no'): Child {
  const addresses = names.flatMap((each) => {
    const { hostname, port } = new URL(world.url(`${name}-0`, `shop/${each}`))
    return [
      [`${each.toUpperCase()}_SERVICE_HOST`, hostname],
      [`${each.toUpperCase()}_SERVICE_PORT`, port],
    ]
  })
  const env = {
    ...Object.fromEntries(addresses),
    SERVICE_NAME: name,
    KEEP_TRACE: keepTrace,
    HOST: world.appAddress(`${name}-0`),
    PORT: '8080',
  }
  const streams = { stdout: 'ignore', stderr: process.stderr } as const
  return spawnChild({ command: process.execPath, args: [program], env, ...streams, log: silentLogger })
}

const restartServices = async (keepTrace: 'yes' | 'no'): Promise<void> => {
  await Promise.all(programs.splice(0).map((each) => each.stop({ graceMs: 1_000 })))
  programs.push(...names.map((name) => startService(name, keepTrace)))
}

/** Of one request to the gateway from outside of the mesh; all five have answered. */
async function tracesOfRequest(path: string): Promise<readonly TraceNode[]> {
  const url = `http://${world.envoy('gateway-0').address}:${publishedPort(8080)}`
  await eventually(async () => expect((await get(`${url}/warm-up`)).status).toBe(200), { within: 30_000 })
  expect((await get(`${url}${path}`)).status).toBe(200)
  const spans = () => collector.spans.filter(({ tags }) => tags['http.url']?.endsWith(path))
  await eventually(() => expect(spans()).toHaveLength(9), { within: 20_000 })
  expect(servicesOf(spans())).toEqual(names.toSorted())
  return tracesOf(spans())
}

beforeAll(async () => {
  world = await startTrafficWorld({
    pods: names.map((name) => ({ name: `${name}-0` })),
    services: names.map((name) => ({ service: serviceOf(name), pods: [`${name}-0`] })),
    observability: (prefix) => ({
      tracing: { collector: 'zipkin', address: { address: `${prefix}.200.1`, port: 9411 }, samplePercent: 100 },
    }),
  })
  collector = await startTraceCollector(`${world.prefix}.200.1`, 9411)
})

afterAll(async () => {
  await Promise.all(programs.map((each) => each.stop({ graceMs: 1_000 })))
  await world?.stop()
  await collector?.stop()
})

describe('S04-12: gateway, order, payment, inventory and risk', () => {
  test('are one trace where each hands on the headers of the request that it serves', async () => {
    await restartServices('yes')
    const payment = server('payment', call('payment', server('risk')))
    const order = server('order', call('order', server('inventory')), call('order', payment))
    expect(await tracesOfRequest('/kept')).toEqual([server('gateway', call('gateway', order))])
  })

  test('are a trace for each hop where nobody does', async () => {
    await restartServices('no')
    expect(await tracesOfRequest('/lost')).toEqual([
      server('gateway'),
      call('order', server('inventory')),
      call('gateway', server('order')),
      call('order', server('payment')),
      call('payment', server('risk')),
    ])
  })
})
