import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, type Logger, runTogether } from '../../runtime/index.ts'
import { createContainerLog } from '../node-agent/index.ts'
import { createSupervisedChild } from '../platform/supervised-child.ts'
import { renderConfiguration, type Target } from './configuration.ts'

export interface PrometheusOptions {
  /** Path of the program. */
  readonly binary: string
  /** Configuration, targets, samples and output live here. */
  readonly directory: string
  readonly host: string
  readonly port: number
  /** Addresses (host:port) of processes with /metrics, by the name of their job; none when absent. */
  readonly processes?: Readonly<Record<string, string>>
  readonly clock: Clock
  readonly log: Logger
  readonly random: () => number
}

export interface Prometheus {
  readonly url: string
  /** Resolves when it answers queries; rejects with the reason when it ends before. */
  readonly ready: Promise<void>
  /** Replaces what is scraped. */
  setTargets(targets: readonly Target[]): Promise<void>
  start(signal: AbortSignal): Promise<void>
}

/** One real Prometheus as a child, started again when it dies; its samples stay in the directory. */
export function createPrometheus(options: PrometheusOptions): Prometheus {
  const { host, port, clock, log, random } = options
  const files = filesOf(options.directory)
  const url = `http://${host}:${port}`
  const child = createSupervisedChild({
    name: 'Prometheus',
    argv: [options.binary, ...flags(files, `${host}:${port}`)],
    env: {},
    output: createContainerLog(files.output),
    outputPath: join(files.output, 'current.log'),
    isReady: (signal) => isReady(url, signal),
    explain: (output) =>
      /address already in use/.test(output) ? `the address ${host}:${port} is in use by another process` : undefined,
    clock,
    log,
    random,
  })
  let writing = Promise.resolve()
  return {
    url,
    ready: child.ready,
    setTargets(targets) {
      writing = writing.then(() => writeAtomically(files.targets, `${JSON.stringify(targets, null, 2)}\n`))
      return writing
    },
    async start(signal) {
      await mkdir(options.directory, { recursive: true, mode: 0o700 })
      await writeAtomically(files.configuration, renderConfiguration(files.targets, options.processes ?? {}))
      await runTogether(signal, [child.start])
    },
  }
}

const filesOf = (directory: string) => ({
  configuration: join(directory, 'prometheus.yaml'),
  targets: join(directory, 'targets.json'),
  samples: join(directory, 'data'),
  output: join(directory, 'output'),
})

const flags = (files: ReturnType<typeof filesOf>, address: string): readonly string[] => [
  `--config.file=${files.configuration}`,
  `--storage.tsdb.path=${files.samples}`,
  '--storage.tsdb.retention.time=24h',
  '--storage.tsdb.retention.size=1GB',
  `--web.listen-address=${address}`,
  // A hidden flag: a new pod would wait 5 s longer for its first scrape.
  '--scrape.discovery-reload-interval=100ms',
  '--log.level=warn',
]

async function isReady(url: string, signal: AbortSignal): Promise<boolean> {
  const response = await fetch(`${url}/-/ready`, { signal: AbortSignal.any([signal, AbortSignal.timeout(1_000)]) })
  await response.arrayBuffer()
  return response.ok
}

/** Prometheus watches the file: it must never see half of it. */
async function writeAtomically(path: string, text: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 })
  await writeFile(`${path}.new`, text, { mode: 0o600 })
  await rename(`${path}.new`, path)
}
