import { mkdir } from 'node:fs/promises'
import { createLogger, untilSignal } from '../../runtime/index.ts'
import { processOutput } from '../output.ts'
import { createPlatform, defaultDataDirectory, type ProxyObservation } from '../platform.ts'

export interface LocalOptions extends ProxyObservation {
  readonly dataDirectory?: string
  readonly logLevel: string
  readonly flaggerCompat: boolean
  readonly isolation: 'process' | 'netns'
}

export async function runLocal(options: LocalOptions): Promise<void> {
  using stop = untilSignal()
  const dataDirectory = options.dataDirectory ?? defaultDataDirectory()
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 })
  const log = createLogger({ name: 'local', level: options.logLevel })
  const platform = await createPlatform({
    dataDirectory,
    log,
    signal: stop.signal,
    flaggerCompat: options.flaggerCompat,
    isolation: options.isolation,
    observation: options,
  })
  const running = platform.start(stop.signal)
  await Promise.race([platform.ready, running])
  if (!stop.signal.aborted) processOutput.out(platform.describe())
  await running
}
