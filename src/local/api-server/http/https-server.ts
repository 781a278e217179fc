import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Logger } from '../../../runtime/index.ts'
import { isSameToken } from '../endpoints/reviews.ts'
import { errorLine } from '../endpoints/watch.ts'
import { badRequest, StatusError, unauthorized } from '../status-error.ts'
import { type ApiRequest, type ApiResponse, header } from './request.ts'
import type { Router } from './router.ts'

const MAX_BODY = 3 * 1024 * 1024
const MAX_UNREAD = 16 * 1024 * 1024

export interface HttpOptions {
  readonly key: string
  readonly cert: string
  readonly token: string
  /** Host names that requests may be addressed to: a page in a browser can not pass for a client. */
  readonly hosts: ReadonlySet<string>
  readonly log: Logger
  /** Ends the streams. */
  readonly signal: AbortSignal
}

export function createHttpsServer(router: Router, options: HttpOptions): Server {
  const server = createServer({ key: options.key, cert: options.cert, minVersion: 'TLSv1.2' }, (message, response) => {
    // Errors end inside: the promise can not reject.
    void handle(router, options, message, response)
  })
  server.keepAliveTimeout = 65_000
  server.requestTimeout = 60_000
  return server
}

async function handle(
  router: Router,
  options: HttpOptions,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const signal = AbortSignal.any([gone.signal, options.signal])
  try {
    authenticate(message, options)
    const answer = await router(toRequest(message, signal))
    await send(answer, response, signal)
  } catch (error) {
    sendError(error, response, options.log)
  }
}

function authenticate(message: IncomingMessage, options: HttpOptions): void {
  const host = header(message, 'host').replace(/:\d+$/, '')
  if (!options.hosts.has(host))
    throw new StatusError(403, 'Forbidden', `forbidden: requests to host "${host}" are not served`)
  const [scheme, token] = header(message, 'authorization').split(' ')
  const path = (message.url ?? '').split('?')[0]
  if (path === '/livez' || path === '/readyz' || path === '/healthz') return
  if (scheme?.toLowerCase() !== 'bearer' || !isSameToken(token ?? '', options.token)) throw unauthorized()
}

function toRequest(message: IncomingMessage, signal: AbortSignal): ApiRequest {
  const url = new URL(message.url ?? '/', 'https://local')
  return {
    method: message.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    accept: header(message, 'accept'),
    contentType: header(message, 'content-type'),
    userAgent: header(message, 'user-agent'),
    ifNoneMatch: header(message, 'if-none-match'),
    body: () => readBody(message),
    signal,
  }
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of message) {
    if (!Buffer.isBuffer(chunk)) throw badRequest('the request body is not bytes')
    size += chunk.length
    if (size > MAX_BODY) {
      throw new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY}`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function send(answer: ApiResponse, response: ServerResponse, signal: AbortSignal): Promise<void> {
  if (answer.kind === 'json') {
    const body = answer.code === 304 ? '' : JSON.stringify(answer.body)
    response.writeHead(answer.code, { 'Content-Type': 'application/json', ...answer.headers })
    response.end(body)
    return
  }
  if (answer.kind === 'text') {
    response.writeHead(answer.code, { 'Content-Type': answer.contentType ?? 'text/plain; charset=utf-8' })
    response.end(answer.body)
    return
  }
  await stream(answer, response, signal)
}

async function stream(
  answer: Extract<ApiResponse, { kind: 'stream' }>,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(200, { 'Content-Type': answer.contentType, 'Cache-Control': 'no-cache, private' })
  response.flushHeaders()
  response.socket?.setNoDelay(true)
  // A reader that does not keep up is cut off; it lists again, as after any lost connection.
  const write = (chunk: string | Buffer): boolean => {
    if (response.destroyed) return false
    response.write(chunk)
    if (response.writableLength <= MAX_UNREAD) return true
    response.destroy()
    return false
  }
  try {
    await answer.run({ write }, signal)
  } catch (error) {
    if (answer.contentType.startsWith('application/json')) write(errorLine(error))
  }
  response.end()
}

function sendError(error: unknown, response: ServerResponse, log: Logger): void {
  const status = error instanceof StatusError ? error : unexpected(error, log)
  if (response.headersSent) {
    response.destroy()
    return
  }
  const headers: Record<string, string> = { 'Content-Type': 'application/json' }
  if (status.code === 401) headers['WWW-Authenticate'] = 'Bearer'
  if (status.code === 405) headers.Allow = 'GET, POST, PUT, PATCH, DELETE'
  if (status.code === 413) headers.Connection = 'close'
  response.writeHead(status.code, headers)
  response.end(JSON.stringify(status.toStatus()))
}

function unexpected(error: unknown, log: Logger): StatusError {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  log.error({ stack }, 'a request failed unexpectedly')
  return new StatusError(
    500,
    'InternalError',
    `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`,
  )
}
