import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLocalPlatform, createProgressReport, type LocalPlatform, provisionTools } from '../local/index.ts'
import { type Logger, systemClock } from '../runtime/index.ts'

/** What its proxies tell beside metrics: flags of `sluice mesh`. */
export interface ProxyObservation {
  readonly accessLog?: boolean
  readonly sizeMetrics?: boolean
  /** Collectors, as host:port. */
  readonly zipkin?: string
  readonly otlp?: string
  /** Percentage of the requests; 1 when absent. */
  readonly traceSampling?: number
}

export interface PlatformOptions {
  readonly dataDirectory: string
  readonly log: Logger
  readonly signal: AbortSignal
  /** Flagger's kinds are served and released, too; not when absent. */
  readonly flaggerCompat?: boolean
  readonly observation?: ProxyObservation
  readonly isolation?: 'process' | 'netns'
}

const sluice = (...words: readonly string[]): readonly string[] => [
  process.execPath,
  fileURLToPath(new URL('./main.ts', import.meta.url)),
  ...words,
]

/** The local platform with this program's own controller and mesh as children; tools are fetched first where they lack. */
export async function createPlatform(options: PlatformOptions): Promise<LocalPlatform> {
  const tools = await provisionTools({
    environment: process.env,
    report: createProgressReport(process.stderr),
    signal: options.signal,
  })
  return createLocalPlatform({
    dataDirectory: options.dataDirectory,
    tools: { envoy: tools.envoy.path, prometheus: tools.prometheus.path },
    clock: systemClock,
    log: options.log,
    children: {
      mesh: sluice('mesh', ...observationFlags(options.observation)),
      controller: sluice('controller', ...(options.flaggerCompat ? ['--flagger-compat'] : [])),
    },
    flaggerCompat: options.flaggerCompat ?? false,
    isolation: options.isolation ?? 'process',
  })
}

const observationFlags = ({
  accessLog,
  sizeMetrics,
  zipkin,
  otlp,
  traceSampling,
}: ProxyObservation = {}): readonly string[] => [
  ...(accessLog === true ? ['--access-log'] : []),
  ...(sizeMetrics === true ? ['--size-metrics'] : []),
  ...(zipkin === undefined ? [] : ['--zipkin', zipkin]),
  ...(otlp === undefined ? [] : ['--otlp', otlp]),
  ...(traceSampling === undefined ? [] : ['--trace-sampling', String(traceSampling)]),
]

/** $XDG_DATA_HOME/sluice, or ~/.local/share/sluice. */
export const defaultDataDirectory = (): string =>
  join(process.env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'sluice')

/** A folder of its own that is gone at the end. */
export async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
