import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { findExecutable, silentLogger, spawnChild } from '../../src/runtime/index.ts'
import { eventually } from './eventually.ts'

export interface RunningPrometheus {
  /** Such as `http://127.0.0.1:41234`. */
  readonly address: string
  stop(): Promise<void>
}

export interface PrometheusSetup {
  /** Series it already has, in OpenMetrics' text format without the closing `# EOF`; their times may be years away. */
  readonly history?: string
  /** Addresses (host:port) it scrapes each second. */
  readonly targets?: readonly string[]
}

/** Starts a real Prometheus on a free loopback port, with its data in a temporary directory. */
export async function startPrometheus(setup: PrometheusSetup): Promise<RunningPrometheus> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-prometheus-'))
  const binary = findPrometheus()
  if (setup.history !== undefined) await createBlocks(binary, directory, setup.history)
  await writeFile(join(directory, 'prometheus.yml'), renderConfig(setup.targets ?? []))
  const listen = `127.0.0.1:${await freePort()}`
  const child = spawnChild({
    command: binary,
    args: [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      '--storage.tsdb.retention.time=100y',
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
  return {
    address,
    async stop() {
      await child.stop({ graceMs: 5_000 })
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function findPrometheus(): string {
  const binary = findExecutable(process.env.SLUICE_PROMETHEUS ?? 'prometheus', { path: process.env.PATH })
  if (binary === undefined) throw new Error('no Prometheus: set SLUICE_PROMETHEUS to its binary')
  return binary
}

async function createBlocks(prometheus: string, directory: string, history: string): Promise<void> {
  // Every distribution of Prometheus ships promtool beside it.
  const promtool = join(dirname(prometheus), 'promtool')
  const file = join(directory, 'history.txt')
  await writeFile(file, `${history}\n# EOF\n`)
  await promisify(execFile)(promtool, ['tsdb', 'create-blocks-from', 'openmetrics', file, join(directory, 'data')])
}

function renderConfig(targets: readonly string[]): string {
  return JSON.stringify({
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: [{ job_name: 'test', static_configs: [{ targets }] }],
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
