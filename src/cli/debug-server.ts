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
  const server = createServer((request, response) => answer(options, request, response, signal))
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

function answer(
  options: DebugServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): void {
  const { views, replica } = options
  const { pathname } = new URL(request.url ?? '/', 'http://mesh')
  const leaving = /^\/debug\/endpoints\/(?<address>[^/]+)\/gone$/.exec(pathname)?.groups?.address
  if (!isLocalName(request.headers.host)) respond(response, 403)
  else if (leaving !== undefined) void answerWhenGone(options, leaving, response, signal)
  else {
    const pod = /^\/debug\/proxies\/(?<pod>[^/]+)$/.exec(pathname)?.groups?.pod
    const value = pathname === '/debug/proxies' ? views.statuses() : pod && views.configurationOf(pod)
    if (value) respond(response, 200, { replica, value })
    else respond(response, 404)
  }
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
  respond(response, (await departures.untilGone(address, AbortSignal.any([signal, hungUp.signal]))) ? 200 : 503)
}

const respond = (response: ServerResponse, status: number, body: object = {}): void =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

/** A page in a browser could name this address by a host of its own. */
function isLocalName(host = ''): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  return name === 'localhost' || isIP(name) !== 0
}
