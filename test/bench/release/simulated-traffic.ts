import { answer, startServer } from '../../support/http-server.ts'
import { startPrometheus } from '../../support/prometheus.ts'
import { NAMESPACE } from './subject.ts'

/**
 * A real Prometheus that scrapes, each second, what sidecars would count if there were any: no pod runs here, so the
 * counters are made up. Each version of an app gets 50 requests a second, all the time.
 */
export interface SimulatedTraffic extends AsyncDisposable {
  /** Of Prometheus. */
  readonly url: string
  /** From now on half of the requests to the new version fail, or none. */
  setFailing(app: string, isFailing: boolean): void
}

const REQUESTS_PER_SECOND = 50

/** Requests since the start, by how they ended. */
interface Counter {
  readonly good: number
  readonly failed: number
  readonly isFailing: boolean
  readonly at: number
}

export async function startSimulatedTraffic(apps: readonly string[]): Promise<SimulatedTraffic> {
  const began = performance.now()
  const counters = new Map(apps.map((app): [string, Counter] => [app, { ...none, at: began }]))
  const advance = (app: string): Counter => {
    const counter = advanced(counters.get(app) ?? { ...none, at: began }, performance.now())
    counters.set(app, counter)
    return counter
  }
  const exporter = await startServer((response, request) => {
    const primary = advanced({ ...none, at: began }, performance.now())
    const lines = apps.flatMap((app) => [
      ...renderCounter(app, `${app}-canary`, advance(app)),
      ...renderCounter(`${app}-primary`, `${app}-primary`, primary),
    ])
    const headers = { 'content-type': 'text/plain; version=0.0.4', server: 'simulated sidecars' }
    return answer(200, headers, `${lines.join('\n')}\n`)(response, request)
  })
  const prometheus = await startPrometheus({ targets: [`127.0.0.1:${exporter.port}`] })
  return {
    url: prometheus.address,
    setFailing: (app, isFailing) => void counters.set(app, { ...advance(app), isFailing }),
    async [Symbol.asyncDispose]() {
      await prometheus.stop()
      await exporter[Symbol.asyncDispose]()
    },
  }
}

const none = { good: 0, failed: 0, isFailing: false }

function advanced({ good, failed, isFailing, at }: Counter, now: number): Counter {
  const requests = ((now - at) / 1_000) * REQUESTS_PER_SECOND
  const bad = isFailing ? requests / 2 : 0
  return { good: good + requests - bad, failed: failed + bad, isFailing, at: now }
}

function renderCounter(workload: string, service: string, { good, failed }: Counter): readonly string[] {
  const labels = {
    reporter: 'destination',
    destination_workload: workload,
    destination_workload_namespace: NAMESPACE,
    destination_service_name: service,
    destination_service_namespace: NAMESPACE,
    response_flags: '-',
  }
  const line = (code: string, value: number) => {
    const all = Object.entries({ ...labels, response_code: code }).map(([name, text]) => `${name}="${text}"`)
    return `istio_requests_total{${all.join(',')}} ${Math.floor(value)}`
  }
  return [line('200', good), line('500', failed)]
}
