import { Agent } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { VirtualService } from '../../../src/api/index.ts'
import {
  type AcceptanceWorld,
  readAcceptance,
  startAcceptanceWorld,
  versionsOf,
} from '../../support/acceptance-world.ts'
import { eventually } from '../../support/eventually.ts'
import { get, samplesOf, sendMany, sumOf } from '../../support/mesh-world.ts'

let world: AcceptanceWorld
beforeAll(async () => {
  world = await startAcceptanceWorld()
}, 120_000)
afterEach(() => world?.reset())
afterAll(() => world?.stop())

/** Four standard deviations either side: one run in 16,000 falls outside. */
function expectShare(count: number, total: number, share: number): void {
  const deviation = Math.sqrt(total * share * (1 - share))
  expect(Math.abs(count - total * share)).toBeLessThanOrEqual(4 * deviation)
}

/** How many of the answers came from v2; every answer is from v1 or v2. */
function countV2(answers: ReadonlyMap<string, number>): number {
  expect([...answers.keys()].filter((key) => !/^v[12]/.test(key))).toEqual([])
  return answers.get('v2') ?? 0
}

describe('canary by a header', () => {
  const rows = [
    ['S00-1-canary-by-user-agent', 'user-agent', 'Some (Mobile; rv:1) Browser', 'some (mobile) browser'],
    ['S04-1-canary-by-end-user', 'end-user', 'test-user', 'test-user-2'],
  ] as const
  test.each(rows)('%s: who matches goes to v2, all others are split 90/10', async (file, header, picked, other) => {
    await world.placeRule(versionsOf('reviews'))
    await world.placeRoutes(await readAcceptance<VirtualService>(file))
    const ask = (headers: Record<string, string>) => sendMany(world.urls.reviews, 2_000, headers)
    expect(countV2(await ask({ [header]: picked }))).toBe(2_000)
    expectShare(countV2(await ask({ [header]: other })), 2_000, 0.1)
  })
})

describe('S00-2-mirror', () => {
  test('v2 gets a copy of each request, and no answer or delay of it is seen', async () => {
    await world.placeRule(versionsOf('httpbin'))
    await world.placeRoutes(await readAcceptance<VirtualService>('S00-2-mirror'))
    const [first, second, mirror] = world.apps
    const ask = async (count: number) => {
      const start = performance.now()
      expect(countV2(await sendMany(world.urls.httpbin, count))).toBe(0)
      return performance.now() - start
    }
    await ask(500)
    mirror.behaviour.status = 500
    await ask(100)
    mirror.behaviour.hangs = true
    expect(await ask(100)).toBeLessThan(5_000)
    await eventually(() => expect(mirror.requests.length).toBe(700))
    expect(first.requests.length + second.requests.length).toBe(700)
    // The copy has the name that was asked for, without a suffix.
    expect(new Set(mirror.requests.map(({ host }) => host))).toEqual(new Set([new URL(world.urls.httpbin).host]))
  })

  test('v2 being down changes nothing', async () => {
    await world.placeRule(versionsOf('httpbin'))
    await world.placeRoutes(await readAcceptance<VirtualService>('S00-2-mirror'))
    await world.placeSlice('httpbin', world.pods.slice(0, 2))
    await eventually(async () => {
      expect(countV2(await sendMany(world.urls.httpbin, 20))).toBe(0)
      expect(await world.client.admin('/clusters')).not.toMatch(/\|v2\|httpbin\..*::127\./)
    })
    expect(countV2(await sendMany(world.urls.httpbin, 200))).toBe(0)
    await world.placeSlice('httpbin', world.pods)
  })
})

describe('S00-5-timeout-retries', () => {
  const arrivals = () => world.apps.flatMap(({ requests }) => requests.map(({ at }) => at)).sort((a, b) => a - b)
  const ask = async () => {
    const start = performance.now()
    const { status } = await get(world.urls.ratings)
    return { status, elapsedMs: performance.now() - start }
  }
  const routed = async (behaviour: Partial<AcceptanceWorld['apps'][number]['behaviour']>) => {
    for (const app of world.apps) Object.assign(app.behaviour, behaviour)
    await world.placeRoutes(await readAcceptance<VirtualService>('S00-5-timeout-retries'))
  }

  test('always 503: the application is asked four times', async () => {
    await routed({ status: 503 })
    expect(await ask()).toMatchObject({ status: 503 })
    expect(arrivals().length).toBe(4)
  })

  test('never answering: each try is cut at 2 s, and all of it ends with 504 within 10 s', async () => {
    await routed({ hangs: true })
    const { status, elapsedMs } = await ask()
    expect(status).toBe(504)
    expect(elapsedMs).toBeGreaterThan(8_000)
    expect(elapsedMs).toBeLessThan(10_000)
    const times = arrivals()
    expect(times.length).toBe(4)
    for (const [index, at] of times.slice(1).entries()) {
      expect(at - (times[index] ?? 0)).toBeGreaterThan(1_900)
      expect(at - (times[index] ?? 0)).toBeLessThan(2_400)
    }
  })

  test('failing twice and then well: the client sees 200', async () => {
    await routed({})
    await world.placeSlice('ratings', world.pods.slice(2))
    await eventually(async () => expect(countV2(await sendMany(world.urls.ratings, 10))).toBe(10))
    const [, , app] = world.apps
    app.requests.length = 0
    app.behaviour.failures = 2
    expect(await ask()).toMatchObject({ status: 200 })
    expect(app.requests.length).toBe(3)
    await world.placeSlice('ratings', world.pods)
  })
})

describe('S04-2-fault', () => {
  test('a tenth is delayed by 5 s, a twentieth is aborted with 500 before any application sees it', async () => {
    await world.placeRule(versionsOf('ratings'))
    await world.placeRoutes(await readAcceptance<VirtualService>('S04-2-fault'))
    const agent = new Agent({ keepAlive: true })
    const ask = async () => {
      const start = performance.now()
      const { status, body } = await get(world.urls.ratings, { agent })
      return { status, body, isDelayed: performance.now() - start > 4_900 }
    }
    const answers = await Promise.all(Array.from({ length: 600 }, ask))
    agent.destroy()
    const aborted = answers.filter(({ status }) => status === 500)
    expectShare(answers.filter(({ isDelayed }) => isDelayed).length, 600, 0.1)
    expectShare(aborted.length, 600, 0.05)
    expect(new Set(aborted.map(({ body }) => body))).toEqual(new Set(['fault filter abort']))
    expect(answers.filter(({ status }) => status !== 200 && status !== 500)).toEqual([])
    expect(world.apps.reduce((sum, { requests }) => sum + requests.length, 0)).toBe(600 - aborted.length)
    const flagsOf = async () => {
      const samples = await samplesOf(world.client, 'istio_requests_total')
      const counts = Map.groupBy(samples, ({ labels }) => labels.response_flags ?? '')
      return Object.fromEntries([...counts].map(([flags, group]) => [flags, sumOf(group, {})]))
    }
    // Drawn each on its own: a few get both.
    await eventually(async () => {
      const { DI = 0, FI = 0, 'DI,FI': both = 0 } = await flagsOf()
      expect({ delayed: DI + both, aborted: FI + both }).toEqual({
        delayed: answers.filter(({ isDelayed }) => isDelayed).length,
        aborted: aborted.length,
      })
    })
  })
})
