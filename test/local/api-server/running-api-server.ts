import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, fetch } from 'undici'
import { type ApiServer, type ApiServerOptions, createApiServer } from '../../../src/local/api-server/index.ts'
import { silentLogger, systemClock } from '../../../src/runtime/index.ts'
import { type ApiRequest, createApiRequest } from '../../support/api-request.ts'

export interface RunningApiServer {
  readonly api: ApiServer
  readonly directory: string
  /** Speaks JSON to it with its token. */
  readonly request: ApiRequest
  /** Events of a watch, until it ends. */
  watch(path: string): Promise<readonly WatchLine[]>
  /** Ends it and leaves its data. */
  halt(): Promise<void>
  /** Ends it and removes its data. */
  stop(): Promise<void>
}

export interface WatchLine {
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: an object of whatever kind is watched
  readonly object: any
}

/** An API server of a test's own, on a free port. */
export async function startApiServer(options: Partial<ApiServerOptions> = {}): Promise<RunningApiServer> {
  const directory = options.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'sluice-api-')))
  const api = createApiServer({
    host: '127.0.0.1',
    port: 0,
    clock: systemClock,
    log: silentLogger,
    ...options,
    dataDirectory: directory,
  })
  const stopping = new AbortController()
  const running = api.start(stopping.signal)
  await Promise.race([api.ready, running])
  const dispatcher = new Agent({ connect: { ca: api.caCertificate } })
  const halt = async (): Promise<void> => {
    stopping.abort()
    await running
    await dispatcher.close()
  }
  return {
    api,
    directory,
    request: createApiRequest({ server: api.url, token: api.token, certificateAuthority: api.caCertificate }),
    watch: (path) => watchLines(api, dispatcher, path),
    halt,
    async stop() {
      await halt()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function watchLines(api: ApiServer, dispatcher: Agent, path: string): Promise<readonly WatchLine[]> {
  const response = await fetch(`${api.url}${path}`, { dispatcher, headers: { authorization: `Bearer ${api.token}` } })
  const lines = (await response.text()).split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line))
}
