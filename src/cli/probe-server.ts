import { createServer, type ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import type { Logger } from '../runtime/index.ts'
import { CommandError, exitCodes } from './exit-codes.ts'

export interface ProbeServerOptions {
  /** `host:port`. */
  readonly listen: string
  readonly registry: Registry
  readonly isReady: () => boolean
  readonly log: Logger
}

/**
 * Serves /metrics, /livez and /readyz until the signal fires. /livez only says that the event loop turns:
 * an API server that is away must not restart every controller.
 */
export function serveProbes(options: ProbeServerOptions, signal: AbortSignal): Promise<void> {
  const { host, port } = parseListen(options.listen)
  const server = createServer((request, response) => void answer(options, request.url ?? '/', response))
  return new Promise((resolve, reject) => {
    server.on('error', (error) =>
      reject(new CommandError(`--listen ${options.listen}: ${error.message}; choose another address`)),
    )
    server.listen(port, host, () => options.log.info({ address: options.listen }, 'metrics and probes are served'))
    signal.addEventListener('abort', () => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  })
}

async function answer(options: ProbeServerOptions, path: string, response: ServerResponse): Promise<void> {
  if (path === '/metrics') {
    response.setHeader('content-type', options.registry.contentType)
    response.end(await options.registry.metrics())
    return
  }
  const [status, text] = statusOf(path, options.isReady)
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`)
}

function statusOf(path: string, isReady: () => boolean): readonly [number, string] {
  if (path === '/livez') return [200, 'ok']
  if (path === '/readyz') return isReady() ? [200, 'ok'] : [503, 'not ready']
  return [404, 'not found: /metrics, /livez and /readyz are served']
}

/** Reads `host:port`; port 0 lets the system choose. */
export function parseListen(listen: string): { readonly host: string; readonly port: number } {
  const match = /^(?<host>\[[0-9a-f:]+\]|[^:]*):(?<port>[0-9]{1,5})$/.exec(listen)
  const port = Number(match?.groups?.port)
  if (match === null || port > 65_535) {
    throw new CommandError(`"${listen}" is not an address such as 127.0.0.1:8080`, exitCodes.usage)
  }
  return { host: match.groups?.host || '0.0.0.0', port }
}
