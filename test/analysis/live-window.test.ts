import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAnalyst } from '../../src/analysis/index.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningPrometheus, startPrometheus } from '../support/prometheus.ts'

/** Acknowledgements at ten places between two scrapes, so that no place is lucky. */
const PLACES = Array.from({ length: 10 }, (_, index) => ({ namespace: `place-${index}`, offsetMs: index * 100 }))
const FLUSH_MS = 1_000
const WINDOW_MS = 4_500

let server: Server
let prometheus: RunningPrometheus
let firstAcknowledgedMs = Number.POSITIVE_INFINITY
let scrapes = 0

beforeAll(async () => {
  server = createServer((_, response) => {
    scrapes += 1
    response.end(PLACES.map(({ namespace, offsetMs }) => render(namespace, firstAcknowledgedMs + offsetMs)).join(''))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  prometheus = await startPrometheus({ targets: [`127.0.0.1:${address.port}`] })
})
afterAll(async () => {
  await prometheus.stop()
  server.close()
})

/** A pod that fails every request, slowly, until the acknowledgement, and none after it; a thousand a second. */
function render(namespace: string, acknowledgedMs: number): string {
  const now = Date.now()
  const flushed = Math.floor(now / FLUSH_MS) * FLUSH_MS
  const labels = `reporter="destination",destination_workload="web",destination_workload_namespace="${namespace}"`
  const before = (time: number) => Math.min(time, acknowledgedMs) - started
  const after = (time: number) => Math.max(0, time - acknowledgedMs)
  const bucket = 'istio_request_duration_milliseconds_bucket'
  return [
    `istio_requests_total{${labels},response_code="500"} ${before(now)}`,
    `istio_requests_total{${labels},response_code="200"} ${after(now)}`,
    `${bucket}{${labels},le="10"} ${after(flushed)}`,
    `${bucket}{${labels},le="1000"} ${after(flushed) + before(flushed)}`,
    `${bucket}{${labels},le="+Inf"} ${after(flushed) + before(flushed)}`,
    '',
  ].join('\n')
}

const started = Math.floor(Date.now() / FLUSH_MS) * FLUSH_MS

test('nothing from before the acknowledgement counts, wherever it falls between scrapes and flushes', async () => {
  await eventually(() => scrapes >= 2, { what: 'two scrapes', within: 40_000 })
  firstAcknowledgedMs = Date.now()
  const analyst = createAnalyst({ clock: systemClock, log: silentLogger })
  const verdicts = PLACES.map(async ({ namespace, offsetMs }) => {
    const startMs = firstAcknowledgedMs + offsetMs
    const endMs = startMs + WINDOW_MS
    await eventually(() => Date.now() >= endMs, { what: 'end of the window', within: 20_000 })
    return analyst.measure(
      {
        subject: { canary: 'web', namespace, target: 'web', primary: 'web-primary', service: 'web' },
        checks: [
          { metric: { name: 'request-success-rate', thresholdRange: { min: 100 } } },
          { metric: { name: 'request-duration', thresholdRange: { max: 10 } } },
        ],
        window: { startMs, endMs },
        metricsServer: prometheus.address,
      },
      AbortSignal.timeout(120_000),
    )
  })
  const messages = (await Promise.all(verdicts)).flat().map(({ state, errors = 0 }) => ({ state, errors }))
  expect(messages).toEqual(Array.from({ length: 2 * PLACES.length }, () => ({ state: 'passed', errors: 0 })))
})
