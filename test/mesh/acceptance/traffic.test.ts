import { Agent } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { DestinationRule, VirtualService } from '../../../src/api/index.ts'
import {
  type AcceptanceWorld,
  readAcceptance,
  startAcceptanceWorld,
  versionsOf,
} from '../../support/acceptance-world.ts'
import { eventually } from '../../support/eventually.ts'
import { virtualServiceOf } from '../../support/mesh-objects.ts'
import { type Answer, get, samplesOf, sendMany, sumOf } from '../../support/mesh-world.ts'

let world: AcceptanceWorld
beforeAll(async () => {
  world = await startAcceptanceWorld()
})
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
    const ask = async (count: number) => expect(countV2(await sendMany(world.urls.httpbin, count))).toBe(0)
    await ask(500)
    mirror.behaviour.status = 500
    await ask(100)
    mirror.behaviour.hangs = true
    // A request that waited for its copy would never be answered.
    await ask(100)
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
    const times = arrivals()
    expect(times.length).toBe(4)
    for (const [index, at] of times.slice(1).entries()) {
      // Neither at once nor when the whole request ends; a busy machine sees arrivals late.
      expect(at - (times[index] ?? 0)).toBeGreaterThan(1_000)
      expect(at - (times[index] ?? 0)).toBeLessThan(5_000)
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
    // A hundred at once: with all of them at once it is the machine that delays.
    const askSix = async () => [await ask(), await ask(), await ask(), await ask(), await ask(), await ask()]
    const answers = (await Promise.all(Array.from({ length: 100 }, askSix))).flat()
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

describe('S00-6-circuit-breaker', () => {
  const cluster = 'outbound|80||httpbin.shop.svc.cluster.local'
  const inForce = /outbound\|80\|\|httpbin\..*max_connections::100\n/

  test('five failures in a row put an endpoint out for a minute', async () => {
    await world.placeRule(await readAcceptance('S00-6-circuit-breaker'))
    await world.untilCluster(inForce)
    const failing = world.apps[2]
    failing.behaviour.status = 500
    // Envoy ejects on its main thread and tells the worker, which may choose the endpoint once or twice meanwhile.
    const failed = (await sendMany(world.urls.httpbin, 200, {}, 1)).get('500') ?? 0
    expect(failed).toBeGreaterThanOrEqual(5)
    expect(failed).toBeLessThanOrEqual(8)
    expect(failing.requests.length).toBe(failed)
    expect(await world.client.admin('/clusters')).toMatch(/\|\|httpbin\..*health_flags::\/failed_outlier_check/)
    expect(await world.configurationOf(cluster)).toMatchObject({
      outlier_detection: { consecutive_5xx: 5, interval: '30s', base_ejection_time: '60s' },
    })
  })

  test('an endpoint that was out comes back', async () => {
    const rule = await readAcceptance<DestinationRule>('S00-6-circuit-breaker')
    const outlierDetection = { consecutive5xxErrors: 5, interval: '1s', baseEjectionTime: '4s' }
    await world.placeRule({
      ...rule,
      spec: { ...rule.spec, trafficPolicy: { ...rule.spec.trafficPolicy, outlierDetection } },
    })
    await world.untilCluster(inForce)
    const failing = world.apps[2]
    failing.behaviour.failures = 5
    await sendMany(world.urls.httpbin, 100, {}, 1)
    expect(failing.requests.length).toBeGreaterThanOrEqual(5)
    expect(failing.requests.length).toBeLessThanOrEqual(8)
    await eventually(async () => expect((await sendMany(world.urls.httpbin, 20)).get('v2')).toBeGreaterThan(0), {
      within: 30_000,
    })
  })

  test('100 connections and 10 requests that wait for one; the next are answered 503 at once', async () => {
    await world.placeRule(await readAcceptance('S00-6-circuit-breaker'))
    await world.untilCluster(inForce)
    for (const app of world.apps) app.behaviour.hangs = true
    const agent = new Agent()
    const answers: Answer[] = []
    const ask = () => get(world.urls.httpbin, { agent }).then((answer) => answers.push(answer))
    const arrived = () => world.apps.reduce((sum, { requests }) => sum + requests.length, 0)
    const asked: Promise<number>[] = []
    // By fives: a request also waits while its connection is being made.
    while (asked.length < 100) {
      for (let index = 0; index < 5; index += 1) asked.push(ask())
      await eventually(() => expect(arrived()).toBe(asked.length))
    }
    for (let index = 0; index < 30; index += 1) asked.push(ask())
    await eventually(() => expect(answers.length).toBe(20))
    expect(new Set(answers.map(({ status, headers }) => `${status} ${headers['x-envoy-overloaded']}`))).toEqual(
      new Set(['503 true']),
    )
    expect(arrived()).toBe(100)
    expect(await world.countOf(cluster, 'cx_active')).toBe(100)
    const overflows = { response_flags: 'UO', response_code: '503' }
    await eventually(async () => {
      expect(sumOf(await samplesOf(world.client, 'istio_requests_total'), overflows)).toBe(20)
    })
    agent.destroy()
    await Promise.all(asked)
  })

  test('a connection serves two requests', async () => {
    await world.placeRule(await readAcceptance('S00-6-circuit-breaker'))
    await world.untilCluster(inForce)
    const [connections, requests] = [await world.countOf(cluster, 'cx_total'), await world.countOf(cluster, 'rq_total')]
    await sendMany(world.urls.httpbin, 60, {}, 1)
    expect((await world.countOf(cluster, 'rq_total')) - requests).toBe(60)
    // Each of three endpoints may end with a connection that served one.
    const made = (await world.countOf(cluster, 'cx_total')) - connections
    expect(made).toBeGreaterThanOrEqual(30)
    expect(made).toBeLessThanOrEqual(33)
  })
})

describe('S04-3-destination-rule', () => {
  const clusterOf = (subset: string) => `outbound|80|${subset}|reviews.shop.svc.cluster.local`
  const routedTo = async (subset: string) => {
    await world.placeRule(await readAcceptance('S04-3-destination-rule'))
    await world.placeRoutes(
      virtualServiceOf('reviews', { http: [{ route: [{ destination: { host: 'reviews', subset } }] }] }),
    )
  }

  test('v1 takes its endpoints in turn, each connection serves ten requests', async () => {
    await routedTo('v1')
    const connections = await world.countOf(clusterOf('v1'), 'cx_total')
    const bodies: string[] = []
    for (let index = 0; index < 100; index += 1) bodies.push((await get(world.urls.reviews)).body)
    const turn = bodies[0] === 'v1-a' ? ['v1-a', 'v1-b'] : ['v1-b', 'v1-a']
    expect(bodies).toEqual(Array.from({ length: 50 }, () => turn).flat())
    expect((await world.countOf(clusterOf('v1'), 'cx_total')) - connections).toBe(10)
  })

  test('five errors put an endpoint out, but never more than half of them', async () => {
    await routedTo('v1')
    const [first, second] = world.apps
    first.behaviour.status = 500
    const answers = await sendMany(world.urls.reviews, 100, {}, 1)
    // As many as the worker chose before it was told.
    const failed = answers.get('500') ?? 0
    expect(failed).toBeGreaterThanOrEqual(5)
    expect(failed).toBeLessThanOrEqual(8)
    expect(answers.get('v1-b')).toBe(100 - failed)
    second.behaviour.status = 500
    expect(await sendMany(world.urls.reviews, 50, {}, 1)).toEqual(new Map([['500', 50]]))
    expect([first.requests.length, second.requests.length]).toEqual([failed, 150 - failed])
  })

  test('v2 has a load balancing of its own and keeps limits and ejection', async () => {
    await routedTo('v2')
    expect(await sendMany(world.urls.reviews, 50)).toEqual(new Map([['v2', 50]]))
    const [v1, v2] = [await world.configurationOf(clusterOf('v1')), await world.configurationOf(clusterOf('v2'))]
    expect([v1.lb_policy, v2.lb_policy]).toEqual([undefined, 'LEAST_REQUEST'])
    for (const field of ['circuit_breakers', 'outlier_detection', 'typed_extension_protocol_options']) {
      expect(v2[field]).toEqual(v1[field])
    }
    expect(v2).toMatchObject({
      circuit_breakers: { thresholds: [{ max_connections: 100, max_pending_requests: 100, max_requests: 1_000 }] },
      outlier_detection: { base_ejection_time: '30s', interval: '30s', max_ejection_percent: 50 },
    })
  })
})
