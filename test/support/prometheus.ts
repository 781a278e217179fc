import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { provisionPrometheus } from '../../src/local/tools/index.ts'
import { silentLogger, spawnChild } from '../../src/runtime/index.ts'
import { eventually } from './eventually.ts'
import { renderWriteRequest, type Series } from './history.ts'

export interface RunningPrometheus {
  /** Such as `http://127.0.0.1:41234`. */
  readonly address: string
  stop(): Promise<void>
}

export interface PrometheusSetup {
  /** What it has scraped already; the times may be years away, but lie within an hour. */
  readonly history?: readonly Series[]
  /** Addresses (host:port) it scrapes each second. */
  readonly targets?: readonly string[]
  /** Addresses of Envoys; their metrics lose their prefix as in the product. */
  readonly envoys?: readonly string[]
}

/** Starts a real Prometheus on a free loopback port, with its data in a temporary directory. */
export async function startPrometheus(setup: PrometheusSetup): Promise<RunningPrometheus> {
  const { path: command } = await provisionPrometheus({
    environment: process.env,
    report: () => {},
    signal: AbortSignal.timeout(110_000),
  })
  const directory = await mkdtemp(join(tmpdir(), 'sluice-prometheus-'))
  await writeFile(join(directory, 'prometheus.yml'), renderConfig(setup))
  const listen = `127.0.0.1:${await freePort()}`
  const child = spawnChild({
    command,
    args: [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      '--storage.tsdb.retention.time=100y',
      '--web.enable-remote-write-receiver',
      `--web.listen-address=${listen}`,
      '--log.level=error',
    ],
    env: {},
    stdout: 'ignore',
    stderr: process.stderr,
    log: silentLogger,
  })
  const address = `http://${listen}`
  const isReady = async () => (await fetch(`${address}/-/ready`)).ok
  await eventually(isReady, { what: 'Prometheus ready', within: 30_000 })
  if (setup.history !== undefined) await writeHistory(address, setup.history)
  return {
    address,
    async stop() {
      await child.stop({ graceMs: 5_000 })
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function writeHistory(address: string, history: readonly Series[]): Promise<void> {
  const response = await fetch(`${address}/api/v1/write`, {
    method: 'POST',
    body: renderWriteRequest(history),
    headers: {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
    },
  })
  if (!response.ok) throw new Error(`Prometheus refused the history: ${response.status} ${await response.text()}`)
}

function renderConfig({ targets = [], envoys = [] }: PrometheusSetup): string {
  const rename = { source_labels: ['__name__'], regex: 'envoy_mesh_(istio_.*)', target_label: '__name__' }
  return JSON.stringify({
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: [
      { job_name: 'test', static_configs: [{ targets }] },
      {
        job_name: 'envoy',
        metrics_path: '/stats/prometheus',
        static_configs: [{ targets: envoys.map((address) => `${address}:15090`) }],
        metric_relabel_configs: [{ ...rename, replacement: '$1' }],
      },
    ],
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
