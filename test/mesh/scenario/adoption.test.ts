import { Agent } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { secretKind, virtualServiceKind } from '../../../src/api/index.ts'
import { eventually } from '../../support/eventually.ts'
import { get, place, samplesOf, sumOf } from '../../support/mesh-world.ts'
import { type SecurityWorld, startSecurityWorld } from '../../support/security-world.ts'

const pods = ['shop/frontend', 'shop/backend'] as const
let world: SecurityWorld<(typeof pods)[number]>
beforeAll(async () => {
  // Certificates live so shortly that they are replaced all the time.
  world = await startSecurityWorld(pods, { certificates: { leafLifetimeMs: 8_000, waitAtMostMs: 20_000 } })
})
afterAll(() => world?.stop())

/** Asks over and over on a few connections until it is told to stop, and counts at the client. */
function startLoad(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const answers = new Map<number, number>()
  let isOver = false
  const worker = async () => {
    while (!isOver) {
      const { status } = await get(url, { agent })
      answers.set(status, (answers.get(status) ?? 0) + 1)
    }
  }
  const running = Promise.all([worker(), worker(), worker(), worker()])
  return {
    count: () => answers.get(200) ?? 0,
    async stop() {
      isOver = true
      await running
      agent.destroy()
      return Object.fromEntries(answers)
    },
  }
}

type Load = ReturnType<typeof startLoad>

/** So many requests more were answered well. */
async function untilMore(load: Load, requests = 100): Promise<void> {
  const before = load.count()
  await eventually(() => expect(load.count()).toBeGreaterThan(before + requests), { within: 30_000 })
}

const placeRules = (http: readonly object[]) =>
  place(world.api, virtualServiceKind, {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'backend', namespace: 'shop' },
    ...{ spec: { hosts: ['backend'], http } },
  })

const security = (kind: string, name: string, namespace: string, spec: object) => ({
  apiVersion: 'security.istio.io/v1',
  kind,
  metadata: { name, namespace },
  spec,
})

test('a mesh is adopted in four phases, and its certificates and root change, without a request that fails', async () => {
  const load = startLoad(world.urlOf('shop/frontend', 'shop/backend', '/api/x'))
  const outside = startLoad(`http://${world.envoy('shop/backend').address}:8080/api/x`)

  // 1: everybody is answered, and it is seen who asks.
  await world.place(security('PeerAuthentication', 'default', 'istio-system', { mtls: { mode: 'PERMISSIVE' } }))
  await untilMore(load)
  await untilMore(outside)
  const samples = await samplesOf(world.envoy('shop/backend'), 'istio_requests_total')
  expect(sumOf(samples, { connection_security_policy: 'mutual_tls' })).toBeGreaterThan(0)
  expect(sumOf(samples, { connection_security_policy: 'none' })).toBeGreaterThan(0)

  // 2: routes, time limits and retries.
  const route = { route: [{ destination: { host: 'backend' } }], timeout: '10s', retries: { attempts: 3 } }
  await placeRules([route])
  await untilMore(load)
  expect(await outside.stop()).toEqual({ 200: expect.any(Number) })

  // 3: only the mesh is answered, and only who is named.
  const source = { principals: ['cluster.local/ns/shop/sa/frontend'] }
  await world.place(
    security('PeerAuthentication', 'default', 'istio-system', { mtls: { mode: 'STRICT' } }),
    security('AuthorizationPolicy', 'backend', 'shop', {
      selector: { matchLabels: { app: 'backend' } },
      rules: [{ from: [{ source }], to: [{ operation: { methods: ['GET'], paths: ['/api/*'] } }] }],
    }),
  )
  await eventually(async () => expect(await world.askPlain('shop/backend')).toMatchObject({ status: 0 }))
  await eventually(async () =>
    expect(await world.ask('shop/frontend', 'shop/backend', { path: '/other' })).toMatchObject({ status: 403 }),
  )
  await untilMore(load)

  // 4: faults are tried on requests that ask for them, and certificates change under way, by themselves and with their root.
  const fault = { abort: { percentage: { value: 100 }, httpStatus: 503 } }
  await placeRules([{ ...route, match: [{ headers: { 'x-try': { exact: 'fault' } } }], fault }, route])
  const asked = { path: '/api/x', headers: { 'x-try': 'fault' } }
  await eventually(async () =>
    expect(await world.ask('shop/frontend', 'shop/backend', asked)).toMatchObject({
      status: 503,
      body: 'fault filter abort',
    }),
  )
  const first = await world.certificateOf('shop/backend')
  await eventually(async () => expect((await world.certificateOf('shop/backend')).serial).not.toBe(first.serial), {
    within: 30_000,
  })
  const roots = () =>
    world
      .mesh()
      .xds.roots()
      .match(/BEGIN CERTIFICATE/g)?.length
  expect(roots()).toBe(1)
  await world.kubernetes.delete(secretKind, { namespace: 'istio-system', name: 'istio-ca-secret' })
  await eventually(() => expect(roots()).toBe(2), { within: 30_000 })
  await eventually(() => expect(roots()).toBe(1), { within: 60_000 })
  await untilMore(load)
  expect(await load.stop()).toEqual({ 200: expect.any(Number) })
}, 240_000)
