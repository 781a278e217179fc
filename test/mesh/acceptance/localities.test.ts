import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { VirtualService } from '../../../src/api/index.ts'
import { type AcceptanceWorld, readAcceptance, startAcceptanceWorld } from '../../support/acceptance-world.ts'
import { destinationRuleOf } from '../../support/mesh-objects.ts'
import { get } from '../../support/mesh-world.ts'

let world: AcceptanceWorld
beforeAll(async () => {
  world = await startAcceptanceWorld({ client: 'north.n1', servers: ['north.n1', 'north.n1', 'south.s1'] })
})
afterEach(() => world?.reset())
afterAll(() => world?.stop())

/** Without ejection Istio knows no nearest locality; this one ejects nobody here. */
const ejection = destinationRuleOf('order-service', {
  host: 'order-service',
  trafficPolicy: { connectionPool: { tcp: { maxConnections: 50 } }, outlierDetection: { consecutive5xxErrors: 1_000 } },
})

const seen = () => world.apps.map(({ requests }) => requests.length)

async function routed(change: (routes: VirtualService) => VirtualService = (routes) => routes): Promise<void> {
  await world.placeRule(ejection)
  await world.untilCluster(/order-service\..*default_priority::max_connections::50/)
  await world.placeRoutes(change(await readAcceptance<VirtualService>('S04-4-timeout-retries-localities')))
}

describe('S04-4-timeout-retries-localities', () => {
  test('409 is asked again; the third try goes to the other locality', async () => {
    await routed()
    const [first, second] = world.apps
    for (const { behaviour } of [first, second]) behaviour.status = 409
    expect(await get(world.urls['order-service'])).toMatchObject({ status: 200, body: 'v2' })
    const [near, alsoNear, far] = seen()
    expect([(near ?? 0) + (alsoNear ?? 0), far]).toEqual([2, 1])
  })

  test('what succeeds stays in the locality of the client', async () => {
    await routed()
    for (let index = 0; index < 30; index += 1) await get(world.urls['order-service'])
    expect(seen()[2]).toBe(0)
  })

  test('without retryRemoteLocalities all four tries stay', async () => {
    await routed(({ spec, ...routes }) => {
      const http = spec.http?.map((rule) => ({ ...rule, retries: { attempts: 3, retryOn: 'retriable-4xx' } })) ?? []
      return { ...routes, spec: { ...spec, http } }
    })
    const [first, second] = world.apps
    for (const { behaviour } of [first, second]) behaviour.status = 409
    expect(await get(world.urls['order-service'])).toMatchObject({ status: 409 })
    const [near, alsoNear, far] = seen()
    expect([(near ?? 0) + (alsoNear ?? 0), far]).toEqual([4, 0])
  })

  test('never answering: 504 after 3 s, no more than three tries', async () => {
    await routed()
    for (const { behaviour } of world.apps) behaviour.hangs = true
    const start = performance.now()
    expect(await get(world.urls['order-service'])).toMatchObject({ status: 504 })
    expect(performance.now() - start).toBeGreaterThan(2_900)
    // A fourth try would begin after 3 s.
    expect(seen().reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(3)
  })
})
