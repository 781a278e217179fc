import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type AcceptanceWorld, startAcceptanceWorld } from '../../support/acceptance-world.ts'
import { eventually } from '../../support/eventually.ts'
import { destinationRuleOf, virtualServiceOf } from '../../support/mesh-objects.ts'
import { get, sendMany } from '../../support/mesh-world.ts'

let world: AcceptanceWorld
beforeAll(async () => {
  world = await startAcceptanceWorld()
})
afterEach(() => world?.reset())
afterAll(() => world?.stop())

const users = Array.from({ length: 30 }, (_, index) => `user-${index}`)
const hashOn = (fields: object) =>
  world.placeRule(
    destinationRuleOf('hash', { host: 'httpbin', trafficPolicy: { loadBalancer: { consistentHash: fields } } }),
  )
const bodyOf = async (headers: Record<string, string>, path = '') =>
  (await get(`${world.urls.httpbin}${path}`, { headers })).body

/** Who answers each user, when every user always gets the same answer; undefined otherwise. */
async function settled(ask: (user: string) => Promise<string>): Promise<Map<string, string> | undefined> {
  const [first, second] = [new Map<string, string>(), new Map<string, string>()]
  for (const answers of [first, second]) for (const user of users) answers.set(user, await ask(user))
  return users.every((user) => first.get(user) === second.get(user)) ? first : undefined
}

const untilSticky = (ask: (user: string) => Promise<string>) =>
  eventually(async () => {
    const answers = await settled(ask)
    expect(answers).toBeDefined()
    // More than one endpoint has users.
    expect(new Set(answers?.values()).size).toBeGreaterThan(1)
  })

test('a header decides, on a ring and with maglev', async () => {
  await hashOn({ httpHeaderName: 'x-user' })
  await untilSticky((user) => bodyOf({ 'x-user': user }))
  await hashOn({ httpHeaderName: 'x-user', maglev: {} })
  await untilSticky((user) => bodyOf({ 'x-user': user }))
})

test('a query parameter decides', async () => {
  await hashOn({ httpQueryParameterName: 'user' })
  await untilSticky((user) => bodyOf({}, `/?user=${user}`))
})

test('the proxy gives a cookie, and who brings it back stays where they are', async () => {
  await hashOn({ httpCookie: { name: 'user', ttl: '60s' } })
  const given = await eventually(async () => {
    const { headers, body } = await get(world.urls.httpbin)
    const cookie = String(headers['set-cookie'] ?? '')
    expect(cookie).toMatch(/^user="?[^;]+; Max-Age=60; HttpOnly/)
    return { cookie: cookie.split(';')[0] ?? '', body }
  })
  expect(await sendMany(world.urls.httpbin, 50, { cookie: given.cookie })).toEqual(new Map([[given.body, 50]]))
})

test('the address of the client decides', async () => {
  await hashOn({ useSourceIp: true })
  await eventually(async () => expect((await sendMany(world.urls.httpbin, 30)).size).toBe(1))
})

test('several mirrors each get their share', async () => {
  await world.placeRoutes(
    virtualServiceOf('httpbin', {
      http: [
        {
          route: [{ destination: { host: 'httpbin' } }],
          mirrors: [{ destination: { host: 'ratings' } }, { destination: { host: 'reviews' } }],
        },
      ],
    }),
  )
  for (const app of world.apps) app.requests.length = 0
  await sendMany(world.urls.httpbin, 100)
  // Each request and two copies of it.
  await eventually(() => expect(world.apps.reduce((sum, { requests }) => sum + requests.length, 0)).toBe(300))
})

test('a pool may go on as HTTP/2', async () => {
  await world.placeRule(
    destinationRuleOf('upgrade', {
      host: 'httpbin',
      trafficPolicy: {
        connectionPool: { http: { h2UpgradePolicy: 'UPGRADE' } },
        loadBalancer: { simple: 'ROUND_ROBIN' },
      },
    }),
  )
  const options = async () => JSON.stringify(await world.configurationOf('outbound|80||httpbin.shop.svc.cluster.local'))
  await eventually(async () => expect(await options()).toContain('http2_protocol_options'))
  // One connection to each of the three takes them all.
  expect((await sendMany(world.urls.httpbin, 100)).size).toBe(3)
  expect(await world.countOf('outbound|80||httpbin.shop.svc.cluster.local', 'cx_active')).toBeLessThanOrEqual(3)
})

test('an endpoint that fails the health check of its Service is left out until it passes it again', async () => {
  const check = 'path: /healthz?deep\ninterval: 100ms\nhealthyThreshold: 1\nunhealthyThreshold: 2'
  await world.placeService('ratings', { 'mesh.sluice.dev/health-check': check })
  const [first] = world.apps
  const checks = () => first.requests.filter(({ url }) => url === '/healthz?deep')
  await eventually(() => expect(checks().length).toBeGreaterThan(1))
  expect(checks()[0]).toMatchObject({ host: 'ratings.shop.svc.cluster.local' })
  // Over the mesh's own TLS.
  expect(checks()[0]?.headers['x-forwarded-client-cert']).toContain('URI=spiffe://cluster.local/ns/shop/sa/')
  const answering = async () => [...(await sendMany(world.urls.ratings, 30)).keys()].sort()
  await eventually(async () => expect(await answering()).toEqual(['v1-a', 'v1-b', 'v2']))
  first.behaviour.status = 503
  await eventually(async () => expect(await answering()).toEqual(['v1-b', 'v2']))
  first.behaviour.status = 200
  await eventually(async () => expect(await answering()).toEqual(['v1-a', 'v1-b', 'v2']))
  // It leaves although it is healthy.
  await world.placeSlice('ratings', world.pods.slice(1))
  await eventually(async () => expect(await answering()).toEqual(['v1-b', 'v2']))
})
