import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createPrometheus } from '../../../src/local/prometheus/index.ts'
import { provisionPrometheus } from '../../../src/local/tools/index.ts'
import { silentLogger, systemClock } from '../../../src/runtime/index.ts'
import { eventually } from '../../support/eventually.ts'

const directory = mkdtempSync(join(tmpdir(), 'sluice-prometheus-'))
afterAll(() => rmSync(directory, { recursive: true }))

async function build(name: string, port: number) {
  const { path } = await provisionPrometheus({
    environment: process.env,
    report: () => {},
    signal: AbortSignal.timeout(110_000),
  })
  return createPrometheus({
    binary: path,
    directory: join(directory, name),
    host: '127.0.0.1',
    port,
    clock: systemClock,
    log: silentLogger,
    random: () => 0,
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function query(url: string, expression: string): Promise<readonly { metric: Record<string, string> }[]> {
  const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`)
  const body = (await response.json()) as { data: { result: { metric: Record<string, string> }[] } }
  return body.data.result
}

test('scrapes the targets it is told of under Istio names, and keeps its samples over a crash', async () => {
  const exporter = createHttpServer((request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(
      request.url === '/stats/prometheus'
        ? 'envoy_mesh_istio_requests_total{reporter="source"} 3\nenvoy_server_live 1\n'
        : '',
    )
  }).listen(0, '127.0.0.1')
  await once(exporter, 'listening')
  const target = `127.0.0.1:${(exporter.address() as AddressInfo).port}`
  const prometheus = await build('scraping', await freePort())
  const stop = new AbortController()
  const running = prometheus.start(stop.signal)
  await prometheus.ready
  await prometheus.setTargets([{ targets: [target], labels: { namespace: 'shop', pod: 'web-1', app: 'web' } }])
  const expected = {
    metric: {
      __name__: 'istio_requests_total',
      app: 'web',
      instance: target,
      job: 'envoy-stats',
      namespace: 'shop',
      pod: 'web-1',
      reporter: 'source',
    },
  }
  await eventually(async () => expect(await query(prometheus.url, 'istio_requests_total')).toMatchObject([expected]), {
    within: 30_000,
  })
  expect(await query(prometheus.url, 'envoy_server_live')).toHaveLength(1)
  const before = pidOf('scraping')
  process.kill(before, 'SIGKILL')
  await eventually(() => expect([before, Number.NaN]).not.toContain(pidOf('scraping')), { what: 'started again' })
  await eventually(
    async () => expect(await query(prometheus.url, 'count_over_time(istio_requests_total[5m]) > 1')).toHaveLength(1),
    {
      within: 30_000,
    },
  )
  stop.abort()
  await running
  exporter.close()
})

test('names the port that is in use', async () => {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  const { port } = holder.address() as AddressInfo
  const prometheus = await build('refused', port)
  const stop = new AbortController()
  const running = prometheus.start(stop.signal)
  await expect(prometheus.ready).rejects.toThrow(
    new RegExp(`Prometheus ended with exit code \\d+: the address 127.0.0.1:${port} is in use by another process`),
  )
  stop.abort()
  await running
  holder.close()
})

function pidOf(name: string): number {
  const found = readdirSync('/proc').find((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join(directory, name, 'prometheus.yaml'))
      )
    } catch {
      return false
    }
  })
  return Number(found)
}
