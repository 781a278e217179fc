import { AsyncLocalStorage } from 'node:async_hooks'
import http from 'node:http'
import https from 'node:https'
import { syncBuiltinESMExports } from 'node:module'

export const traceHeaders = /** @type {const} */ ([
  'x-request-id',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-flags',
  'b3',
  'traceparent',
  'tracestate',
])

const storage = new AsyncLocalStorage()

export const currentTraceHeaders = () => storage.getStore() ?? {}

export const withTraceHeaders = (headers, work) => storage.run(pick(headers), work)

export function traceMiddleware(request, response, next) {
  withTraceHeaders(request.headers, () => {
    // What waits for the body or for the end of the answer is called by the socket, which belongs to no request.
    for (const emitter of [request, response]) followTrace(emitter)
    next()
  })
}

export const withTrace = (listener) => (request, response) =>
  traceMiddleware(request, response, () => listener(request, response))

/** How to take the patches off, while there are any. */
let restore

export function forwardTraceHeaders() {
  restore ??= patch()
  return () => {
    restore?.()
    restore = undefined
  }
}

export const traceInterceptor = (dispatch) => (options, handler) =>
  dispatch({ ...options, headers: addTo(options.headers) }, handler)

function pick(headers) {
  const found = {}
  for (const name of traceHeaders) {
    const value = headers[name]
    if (value !== undefined) found[name] = Array.isArray(value) ? value.join(',') : value
  }
  return found
}

function followTrace(emitter) {
  const inTrace = AsyncLocalStorage.snapshot()
  const emit = emitter.emit
  emitter.emit = function (...event) {
    return inTrace(() => emit.apply(this, event))
  }
}

function patch() {
  const before = { http: { ...pickMethods(http) }, https: { ...pickMethods(https) }, fetch: globalThis.fetch }
  for (const module of [http, https]) {
    const send = module.request
    module.request = (...args) => send(...withHeaders(args))
    module.get = (...args) => {
      const request = module.request(...args)
      request.end()
      return request
    }
  }
  globalThis.fetch = (input, init) =>
    storage.getStore() === undefined
      ? before.fetch(input, init)
      : before.fetch(input, { ...init, headers: fetchHeaders(input, init) })
  syncBuiltinESMExports()
  return () => {
    Object.assign(http, before.http)
    Object.assign(https, before.https)
    globalThis.fetch = before.fetch
    syncBuiltinESMExports()
  }
}

const pickMethods = ({ request, get }) => ({ request, get })

/** The arguments of `http.request(options)` or `http.request(url, options)`, a callback last or not. */
function withHeaders(args) {
  const at = typeof args[0] === 'string' || args[0] instanceof URL ? 1 : 0
  const given = args[at]
  const options = typeof given === 'object' && given !== null ? given : {}
  const rest = options === given ? args.slice(at + 1) : args.slice(at)
  return [...args.slice(0, at), { ...options, headers: addTo(options.headers) }, ...rest]
}

function fetchHeaders(input, init) {
  const headers = new Headers(init?.headers ?? input?.headers)
  for (const [name, value] of Object.entries(currentTraceHeaders())) if (!headers.has(name)) headers.set(name, value)
  return headers
}

/** Headers as an object, as pairs, as names and values in turn, or as what yields pairs: of the same form, and ours. */
function addTo(headers) {
  const pairs = Object.entries(currentTraceHeaders())
  if (pairs.length === 0) return headers
  if (Array.isArray(headers)) {
    const isFlat = !Array.isArray(headers[0])
    const names = isFlat ? headers.filter((_, index) => index % 2 === 0) : headers.map(([name]) => name)
    const added = missingFrom(names, pairs)
    return [...headers, ...(isFlat ? added.flat() : added)]
  }
  const given = headers?.[Symbol.iterator] === undefined ? { ...headers } : Object.fromEntries(headers)
  return { ...given, ...Object.fromEntries(missingFrom(Object.keys(given), pairs)) }
}

function missingFrom(names, pairs) {
  const given = new Set(names.map((name) => String(name).toLowerCase()))
  return pairs.filter(([name]) => !given.has(name))
}
