import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApiServer } from '../../src/local/api-server/index.ts'
import { silentLogger, systemClock } from '../../src/runtime/index.ts'
import { type ApiRequest, createApiRequest } from './api-request.ts'

export interface LocalApiServer {
  readonly kubeconfig: string
  readonly request: ApiRequest
  stop(): Promise<void>
}

/** The API server of the local platform alone, on a free port. */
export async function startLocalApiServer(): Promise<LocalApiServer> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'sluice-api-'))
  const api = createApiServer({ host: '127.0.0.1', port: 0, dataDirectory, clock: systemClock, log: silentLogger })
  const abort = new AbortController()
  const serving = api.start(abort.signal)
  await Promise.race([api.ready, serving])
  return {
    kubeconfig: api.kubeconfigPath,
    request: createApiRequest({ server: api.url, token: api.token, certificateAuthority: api.caCertificate }),
    stop: async () => {
      abort.abort()
      await serving
      await rm(dataDirectory, { recursive: true, force: true })
    },
  }
}
