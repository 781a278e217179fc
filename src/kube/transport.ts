import { createSecureContext } from 'node:tls'
import { Agent, type buildConnector, type Dispatcher, ProxyAgent } from 'undici'
import { isRecord, remember } from '../base/index.ts'
import type { CredentialSource, Credentials } from './credentials.ts'
import { refusalToError, unreachableError } from './errors.ts'
import { KubeError } from './port.ts'

export interface ApiRequest {
  /** Names the call in errors, such as `get Canary default/web`. */
  readonly what: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: object
  readonly contentType?: string
  /** `application/json` when absent. */
  readonly accept?: string | undefined
}

export interface TransportLimits {
  /** A call that has not ended by then has failed. */
  readonly requestTimeoutMs: number
  /** A watch that brings no byte for this long is taken for dead (bookmarks come each minute). */
  readonly watchIdleMs: number
  readonly maxResponseBytes: number
}

export const defaultLimits: TransportLimits = {
  requestTimeoutMs: 30_000,
  watchIdleMs: 150_000,
  maxResponseBytes: 64 * 1024 * 1024,
}

export interface Transport {
  /** The parsed answer of a success; KubeError otherwise. */
  request(request: ApiRequest): Promise<unknown>
  /** The bytes of a stream that may stay open; ends when the signal fires. */
  stream(request: ApiRequest, signal: AbortSignal): AsyncGenerator<Uint8Array>
}

interface Connections {
  readonly key: string
  readonly calls: Dispatcher
  /** Apart, so that long watches never take a connection from calls, and without a limit on the size of an answer. */
  readonly streams: Dispatcher
}

interface Sending {
  readonly kind: 'calls' | 'streams'
  readonly signal: AbortSignal
  /** The credentials that are known were not taken. */
  readonly refused?: boolean
}

/** HTTP to the API server: connections are kept alive, every call has a time and a size limit. */
export function createTransport(source: CredentialSource, limits: TransportLimits, userAgent: string): Transport {
  let connections: Connections | undefined

  const connect = (credentials: Credentials): Connections => {
    if (connections?.key === credentials.connectionKey) return connections
    const former = connections
    connections = openConnections(credentials, limits)
    // Certificates were rotated: running calls end on the old connections.
    void former?.calls.close()
    void former?.streams.close()
    return connections
  }

  const send = async (request: ApiRequest, { kind, signal, refused = false }: Sending) => {
    const credentials = await source(refused)
    try {
      return await connect(credentials)[kind].request({
        origin: addressOf(credentials).origin,
        path: pathOf(addressOf(credentials), request),
        method: request.method,
        headers: headersOf(request, credentials, userAgent),
        body: request.body === undefined ? null : JSON.stringify(request.body),
        signal,
      })
    } catch (cause) {
      throw unreachableError(request.what, `no answer from the API server ${credentials.server}`, cause)
    }
  }

  const attempt = async (request: ApiRequest, refused = false): Promise<unknown> => {
    using deadline = startDeadline(limits.requestTimeoutMs)
    const response = await send(request, { kind: 'calls', signal: deadline.signal, refused })
    const text = await readText(request, response)
    if (response.statusCode >= 300) throw refusalToError(request.what, refusalOf(response, text))
    return parseJson(request, text)
  }

  return {
    async request(request) {
      try {
        return await attempt(request)
      } catch (error) {
        if (!isWorthAnotherTry(request, error)) throw error
        return attempt(request, isRefusal(error))
      }
    },
    async *stream(request, signal) {
      const response = await send(request, { kind: 'streams', signal })
      if (response.statusCode >= 300) {
        throw refusalToError(request.what, refusalOf(response, await readText(request, response)))
      }
      try {
        yield* response.body
      } catch (cause) {
        throw unreachableError(request.what, 'the stream was cut', cause)
      }
    },
  }
}

/** Ends with the call: a signal of AbortSignal.timeout would live on, and make an error of a call that is long done. */
function startDeadline(milliseconds: number): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController()
  const late = () => controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
  const timer = setTimeout(late, milliseconds)
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) }
}

/**
 * A kept connection that the server closed just now fails before the request was read, and a token or certificate may
 * have been rotated just now: both are cured by asking again, which only calls without effect may do blindly.
 */
function isWorthAnotherTry(request: ApiRequest, error: unknown): boolean {
  if (!(error instanceof KubeError)) return false
  if (isRefusal(error)) return true
  const code = isRecord(error.cause) ? error.cause.code : undefined
  return request.method === 'GET' && (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE')
}

const isRefusal = (error: unknown): boolean => error instanceof KubeError && error.code === 401

function openConnections(credentials: Credentials, limits: TransportLimits): Connections {
  // A call has one deadline over all its parts (the signal); a watch may stay open as long as bytes come.
  const calls = { headersTimeout: limits.requestTimeoutMs, bodyTimeout: limits.requestTimeoutMs, connections: 32 }
  const streams = { headersTimeout: limits.requestTimeoutMs, bodyTimeout: limits.watchIdleMs }
  // One for all connections: each would read the certificates for itself, and keep them.
  const secureContext = createSecureContext(credentials.tls)
  // A server that is busy may be slow to shake hands: that is part of the call, and has no limit of its own.
  const tls = { ...credentials.tls, secureContext, timeout: limits.requestTimeoutMs }
  const open = (options: Agent.Options) => openDispatcher(credentials, tls, options)
  return {
    key: credentials.connectionKey,
    calls: open({ ...calls, maxResponseSize: limits.maxResponseBytes }),
    streams: open(streams),
  }
}

function openDispatcher(
  credentials: Credentials,
  tls: buildConnector.BuildOptions,
  options: Agent.Options,
): Dispatcher {
  const connect = { ...tls, keepAlive: true, keepAliveInitialDelay: 30_000 }
  const common = { ...options, keepAliveTimeout: 60_000, allowH2: false }
  if (credentials.proxy === undefined) return new Agent({ ...common, connect })
  if (!credentials.proxy.startsWith('http')) {
    throw new KubeError('kubeconfig: proxy-url must begin with http:// or https://', {
      code: 0,
      reason: 'InvalidKubeConfig',
      retry: 'later',
    })
  }
  return new ProxyAgent({ ...common, uri: credentials.proxy, requestTls: credentials.tls })
}

/** A server may stand below a path, as behind Rancher's proxy. */
const addressOf = remember(({ server }: Credentials) => {
  const { origin, pathname } = new URL(server)
  return { origin, prefix: pathname.replace(/\/+$/, '') }
})

function pathOf({ prefix }: ReturnType<typeof addressOf>, request: ApiRequest): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) query.set(name, String(value))
  }
  return `${prefix}${request.path}${query.size > 0 ? `?${query}` : ''}`
}

function headersOf(request: ApiRequest, credentials: Credentials, userAgent: string): Record<string, string> {
  return {
    ...credentials.headers,
    accept: request.accept ?? 'application/json',
    'user-agent': userAgent,
    ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
  }
}

async function readText(request: ApiRequest, response: Dispatcher.ResponseData): Promise<string> {
  try {
    return await response.body.text()
  } catch (cause) {
    throw unreachableError(request.what, 'the answer was cut', cause)
  }
}

function refusalOf(response: Dispatcher.ResponseData, body: string) {
  const retryAfter = response.headers['retry-after']
  return { code: response.statusCode, body, retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter }
}

function parseJson(request: ApiRequest, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the text, which may be of a Secret.
    throw new KubeError(`${request.what}: the answer is not JSON; is this address a Kubernetes API server?`, {
      code: 0,
      reason: 'InvalidAnswer',
      retry: 'later',
    })
  }
}
