import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { telemetryKind } from '../../../src/api/index.ts'
import { eventually } from '../../support/eventually.ts'
import { serviceOf, telemetryOf } from '../../support/mesh-objects.ts'
import { type Backend, get, samplesOf, sendMany, startBackend, sumOf } from '../../support/mesh-world.ts'
import { startPrometheus } from '../../support/prometheus.ts'
import { startTraceCollector, type TraceCollector } from '../../support/trace-collector.ts'
import { startTrafficWorld, type TrafficWorld } from '../../support/traffic-world.ts'

/** What an application hands on so that its requests belong to the trace of the request that it serves. */
const traceHeaders = [
  'x-request-id',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-flags',
  'b3',
  'traceparent',
  'tracestate',
]

const flaggerLabels = 'reporter="destination",destination_workload_namespace="shop",destination_workload=~"backend"'

/** As Flagger sends them for a Canary of `backend` in `shop` with an interval of a minute. */
const flaggerQueries = {
  'request-success-rate': `sum(rate(istio_requests_total{${flaggerLabels},response_code!~"5.*"}[1m])) / sum(rate(istio_requests_total{${flaggerLabels}}[1m])) * 100`,
  'request-duration': `histogram_quantile(0.99, sum(rate(istio_request_duration_milliseconds_bucket{${flaggerLabels}}[1m])) by (le))`,
}

async function startScraping(proxy: string) {
  const prometheus = await startPrometheus({ envoys: [proxy] })
  return { ...prometheus, [Symbol.asyncDispose]: prometheus.stop }
}

/** The one number of a query; NaN where there is none yet. */
async function readNumber(prometheus: string, query: string): Promise<number> {
  const response = await fetch(`${prometheus}/api/v1/query?${new URLSearchParams({ query })}`)
  const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } }
  return Number(data.result[0]?.value[1])
}

/** Of the backend's proxy until now. */
const sumOfAnswers = async (world: TrafficWorld): Promise<number> =>
  sumOf(await samplesOf(world.envoy('backend-0'), 'istio_requests_total'), { reporter: 'destination' })

const pods = ['client-0', 'frontend-0', 'backend-0'].map((name) => ({ name }))
const services = ['frontend', 'backend'].map((name) => ({ service: serviceOf(name), pods: [`${name}-0`] }))

const startWorld = (collector: 'zipkin' | 'otlp') =>
  startTrafficWorld({
    pods,
    services,
    observability: (prefix) => ({
      accessLog: true,
      sizeMetrics: true,
      tracing: { collector, address: { address: `${prefix}.200.1`, port: 9411 }, samplePercent: 100 },
    }),
  })

/** Asks the backend for each of its own requests; `/lost` hands nothing on. */
async function startFrontend(world: TrafficWorld): Promise<Server> {
  const forwarded = (headers: IncomingHttpHeaders) =>
    Object.fromEntries(traceHeaders.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])))
  const server = createServer((incoming, response) => {
    const headers = incoming.url === '/lost' ? {} : forwarded(incoming.headers)
    const asked = request(
      `${world.url('frontend-0', 'shop/backend')}${incoming.url}`,
      { headers, agent: false },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500)
        answer.pipe(response)
      },
    )
    asked.on('error', () => response.writeHead(502).end())
    asked.end()
  })
  await new Promise<void>((resolve) => server.listen(8080, world.appAddress('frontend-0'), resolve))
  return server
}

describe('with a Zipkin collector', () => {
  let world: TrafficWorld
  let collector: TraceCollector
  let frontend: Server
  let backend: Backend
  beforeAll(async () => {
    world = await startWorld('zipkin')
    collector = await startTraceCollector(`${world.prefix}.200.1`, 9411)
    backend = await startBackend('backend', world.appAddress('backend-0'))
    frontend = await startFrontend(world)
  })
  afterAll(async () => {
    frontend?.closeAllConnections()
    frontend?.close()
    await backend?.stop()
    await world?.stop()
    await collector?.stop()
  })

  const spansOf = (path: string) => collector.spans.filter(({ tags }) => tags['http.url']?.endsWith(path))

  test('S00-9: the spans of a request through two services are one trace, each the child of the one before', async () => {
    expect(await get(`${world.url('client-0', 'shop/frontend')}/kept`)).toMatchObject({ status: 200, body: 'backend' })
    await eventually(() => expect(spansOf('/kept')).toHaveLength(4), { within: 20_000 })
    const spans = spansOf('/kept')
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
    const byId = new Map(spans.map((span) => [span.id, span]))
    const chainOf = (span: (typeof spans)[number] | undefined): readonly string[] =>
      span === undefined
        ? []
        : [...chainOf(byId.get(span.parentId ?? '')), `${span.kind} ${span.localEndpoint.serviceName.split('-')[0]}`]
    const longest = spans.map(chainOf).toSorted((left, right) => right.length - left.length)[0]
    expect(longest).toEqual(['CLIENT client', 'SERVER frontend', 'CLIENT frontend', 'SERVER backend'])
    // Both ways of telling the trace reach the application.
    expect(backend.requests.at(-1)?.headers).toMatchObject({ 'x-b3-traceid': spans[0]?.traceId, 'x-b3-sampled': '1' })
  })

  test('an application that hands nothing on breaks the trace', async () => {
    await get(`${world.url('client-0', 'shop/frontend')}/lost`)
    await eventually(() => expect(spansOf('/lost')).toHaveLength(4), { within: 20_000 })
    expect(new Set(spansOf('/lost').map(({ traceId }) => traceId)).size).toBe(2)
  })

  test('sizes of requests and answers are measured where they are asked for', async () => {
    const sumOfSizes = async (metric: string) =>
      sumOf(await samplesOf(world.envoy('backend-0'), metric), { reporter: 'destination' })
    const before = await sumOfAnswers(world)
    await get(`${world.url('client-0', 'shop/backend')}/size`)
    // Histograms are shown a second later.
    await eventually(async () => expect(await sumOfSizes('istio_response_bytes_count')).toBe(before + 1))
    expect(await sumOfSizes('istio_request_bytes_count')).toBe(before + 1)
    expect(await sumOfSizes('istio_request_bytes_sum')).toBe(0)
    // Each answer is its name; the histogram is right within a hundredth.
    const sum = await sumOfSizes('istio_response_bytes_sum')
    expect(sum / (before + 1) / 'backend'.length).toBeCloseTo(1, 1)
  })

  test('the built-in queries of Flagger for Istio, as they are, give the share and the time of the answers', async () => {
    await using prometheus = await startScraping(world.envoy('backend-0').address)
    const ask = async (count: number, failures: number) => {
      Object.assign(backend.behaviour, { failures, delayMs: 60 })
      const answers = await sendMany(world.url('client-0', 'shop/backend'), count)
      expect(answers.get('503')).toBe(failures)
    }
    const counted = `sum(istio_requests_total{${flaggerLabels}, response_code=~"200|503"})`
    const seen = (count: number) =>
      eventually(async () => expect(await readNumber(prometheus.address, counted)).toBe(count), { within: 20_000 })
    // Rates leave out the first value of a series.
    const before = (await sumOfAnswers(world)) + 60
    await ask(60, 12)
    await seen(before)
    await ask(200, 40)
    await seen(before + 200)
    Object.assign(backend.behaviour, { failures: 0, delayMs: 0 })
    const [success, duration] = await Promise.all(
      Object.values(flaggerQueries).map((query) => readNumber(prometheus.address, query)),
    )
    expect(success).toBeGreaterThan(79)
    expect(success).toBeLessThan(81)
    // Most answers took 60 ms and a little: between these bounds of Envoy's buckets, or the next where the machine is busy.
    expect(duration).toBeGreaterThan(50)
    expect(duration).toBeLessThan(10_000)
  })

  test('S00-8: one JSON line a request, numbers as numbers', async () => {
    await get(`${world.url('client-0', 'shop/frontend')}/logged?a=b`)
    const linesOf = (pod: string) =>
      world
        .envoy(pod)
        .lines()
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ path }) => path === '/logged?a=b')
    await eventually(() => expect(linesOf('client-0')).toHaveLength(1))
    const line = {
      start_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      method: 'GET',
      path: '/logged?a=b',
      response_code: 200,
      duration: expect.any(Number),
      upstream_service: 'frontend.shop.svc.cluster.local',
    }
    expect(linesOf('client-0')).toEqual([line])
    await eventually(() =>
      expect(linesOf('frontend-0')).toEqual([{ ...line, upstream_service: 'backend.shop.svc.cluster.local' }, line]),
    )
  })

  describe('a Telemetry', () => {
    const place = (name: string, spec: object) => world.place(telemetryKind, telemetryOf(name, spec))
    const ofApp = (app: string) => ({ selector: { matchLabels: { app } } })
    let count = 0
    /** A path of its own for each request. */
    const ask = async (path: string) => {
      count += 1
      const unique = `/${path}-${count}`
      await get(`${world.url('client-0', 'shop/backend')}${unique}`, { headers: { 'end-user': 'jason' } })
      return unique
    }
    const pathsOf = (pod: string) =>
      world
        .envoy(pod)
        .lines()
        .map((line) => (JSON.parse(line) as { readonly path?: string }).path ?? '')

    test('decides what share is traced, and tags the spans', async () => {
      const untilSampled = (sampled: string) =>
        eventually(async () => {
          await ask('sampled')
          expect(backend.requests.at(-1)?.headers['x-b3-sampled']).toBe(sampled)
        })
      await place('client', { ...ofApp('client'), tracing: [{ randomSamplingPercentage: 0 }] })
      await untilSampled('0')
      const never = await ask('never')
      const customTags = {
        team: { literal: { value: 'shop' } },
        user: { header: { name: 'end-user', defaultValue: 'nobody' } },
      }
      await place('client', { ...ofApp('client'), tracing: [{ randomSamplingPercentage: 100, customTags }] })
      await untilSampled('1')
      const always = await ask('always')
      await eventually(() => expect(spansOf(always)).toHaveLength(2), { within: 20_000 })
      const [asked] = spansOf(always).filter(({ kind }) => kind === 'CLIENT')
      expect(asked?.tags).toMatchObject({ team: 'shop', user: 'jason' })
      // A proxy sends its spans in order.
      expect(spansOf(never)).toEqual([])
    })

    test('logs failures alone, and nothing of another workload', async () => {
      await place('backend', { ...ofApp('backend'), accessLogging: [{ disabled: true }] })
      await eventually(async () =>
        expect(await world.envoy('backend-0').admin('/config_dump?resource=dynamic_listeners')).not.toContain(
          'upstream_service',
        ),
      )
      await place('client', { ...ofApp('client'), accessLogging: [{ filter: { expression: 'response.code >= 400' } }] })
      await eventually(async () => {
        const fine = await ask('fine')
        backend.behaviour.failures = 1
        const failed = await ask('failed')
        await eventually(() => expect(pathsOf('client-0')).toContain(failed))
        expect(pathsOf('client-0')).not.toContain(fine)
        // A connection of before is told of by the rules of before.
        expect(pathsOf('backend-0').filter((path) => [fine, failed].includes(path))).toEqual([])
      })
    })

    test('takes labels of a metric away and adds others', async () => {
      const tagOverrides = {
        response_flags: { operation: 'REMOVE' },
        method: { value: 'request.method' },
        port: { value: 'string(destination.port)' },
        missing: { value: "request.headers['x-nobody-sends']" },
      }
      await place('backend', {
        ...ofApp('backend'),
        metrics: [{ overrides: [{ match: { metric: 'REQUEST_COUNT', mode: 'SERVER' }, tagOverrides }] }],
      })
      const labelsOf = async (metric: string) =>
        (await samplesOf(world.envoy('backend-0'), metric)).filter(({ labels }) => 'method' in labels)
      await eventually(async () => {
        await ask('counted')
        expect(await labelsOf('istio_requests_total')).not.toEqual([])
      })
      const [{ labels = {} } = {}] = await labelsOf('istio_requests_total')
      expect(labels).toMatchObject({ method: 'GET', port: '8080', reporter: 'destination', destination_app: 'backend' })
      expect(labels).not.toHaveProperty('response_flags')
      expect(labels.missing).toBe('unknown')
      expect(await labelsOf('istio_request_duration_milliseconds_count')).toEqual([])
    })
  })
})

describe('with an OTLP collector', () => {
  test('spans carry the trace that the application is told by W3C headers', async () => {
    const world = await startWorld('otlp')
    const collector = await startTraceCollector(`${world.prefix}.200.1`, 9411)
    const backend = await startBackend('backend', world.appAddress('backend-0'))
    expect((await get(world.url('client-0', 'shop/backend'))).status).toBe(200)
    const [, traceId = ''] = String(backend.requests[0]?.headers.traceparent).split('-')
    expect(traceId).toMatch(/^[0-9a-f]{32}$/)
    // The identifier as its bytes, by the client's proxy and by the server's.
    const bytes = Buffer.from(traceId, 'hex')
    await eventually(
      () => {
        const ofTrace = collector.exports.filter((each) => each.includes(bytes))
        for (const name of ['client.shop', 'backend.shop'])
          expect(ofTrace.some((each) => each.includes(name))).toBe(true)
      },
      { within: 20_000 },
    )
    await backend.stop()
    await world.stop()
    await collector.stop()
  })
})
