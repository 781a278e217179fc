import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import type { ControlPlane } from '../mesh/control-plane/index.ts'
import type { Logger } from '../runtime/index.ts'
import { CommandError } from './exit-codes.ts'
import { parseListen } from './probe-server.ts'

export interface DebugServerOptions {
  /** `host:port`; whoever reaches it reads every proxy's configuration. */
  readonly listen: string
  readonly views: ControlPlane['views']
  readonly departures: ControlPlane['departures']
  /** The name of this replica. */
  readonly replica: string
  readonly log: Logger
}

/**
 * Serves what `sluice proxy-status` and `sluice proxy-config` show, and tells a node when its endpoint has left every
 * proxy, until the signal fires.
 */
export function serveDebug(options: DebugServerOptions, signal: AbortSignal): Promise<void> {
  const { host, port } = parseListen(options.listen)
  const server = createServer((request, response) => {
    const address = /^\/debug\/endpoints\/(?<address>[^/]+)\/gone$/.exec(request.url ?? '')?.groups?.address
    if (address === undefined) answer(options, request, response)
    else void answerWhenGone(options, address, response, signal)
  })
  return new Promise((resolve, reject) => {
    server.on('error', (error) =>
      reject(new CommandError(`--debug-listen ${options.listen}: ${error.message}; choose another address`)),
    )
    server.listen(port, host, () => options.log.info({ address: options.listen }, 'views of proxies are served'))
    signal.addEventListener('abort', () => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  })
}

/** Answers when it is so, and not before. */
async function answerWhenGone(
  { departures }: DebugServerOptions,
  address: string,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const hungUp = new AbortController()
  response.on('close', () => hungUp.abort())
  const isGone = await departures.untilGone(address, AbortSignal.any([signal, hungUp.signal]))
  response.writeHead(isGone ? 200 : 503, { 'content-type': 'application/json' }).end('{}')
}

function answer({ views, replica }: DebugServerOptions, request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? '/', 'http://mesh')
  const pod = /^\/debug\/proxies\/(?<pod>[^/]+)$/.exec(pathname)?.groups?.pod
  const found = pathname === '/debug/proxies' ? views.statuses() : pod && views.configurationOf(pod)
  const isAllowed = isLocalName(request.headers.host)
  const status = found ? 200 : 404
  response.writeHead(isAllowed ? status : 403, { 'content-type': 'application/json' })
  response.end(isAllowed && found ? JSON.stringify({ replica, value: found }) : '{}')
}

/** A page in a browser could name this address by a host of its own. */
function isLocalName(host = ''): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  return name === 'localhost' || isIP(name) !== 0
}
