import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http'

/** What a proxy tells of the trace that a request belongs to, in small letters. */
export declare const traceHeaders: readonly [
  'x-request-id',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-flags',
  'b3',
  'traceparent',
  'tracestate',
]

export type TraceHeaders = Readonly<Partial<Record<(typeof traceHeaders)[number], string>>>

/** Those of the request that is served now; none outside of a request. For clients that are not patched, such as gRPC's. */
export declare function currentTraceHeaders(): TraceHeaders

/** Runs work, and all that it starts, as part of the trace of these headers: for messages of a queue and the like. */
export declare function withTraceHeaders<T>(headers: IncomingHttpHeaders, work: () => T): T

/** Express, Connect and whatever calls `(request, response, next)`. It comes before what sends requests. */
export declare function traceMiddleware(request: IncomingMessage, response: ServerResponse, next: () => void): void

/** The same for `http.createServer`. */
export declare function withTrace(listener: RequestListener): RequestListener

/**
 * From now on `http`, `https` (and with them axios, got, node-fetch and others) and `fetch` send the headers along, once
 * however often it is called. A header that the caller sets itself stays as it is. Returns a function that ends it.
 */
export declare function forwardTraceHeaders(): () => void

type Dispatch<Options, Handler> = (options: Options, handler: Handler) => boolean

/** For undici's own `request` and `stream`: `setGlobalDispatcher(getGlobalDispatcher().compose(traceInterceptor))`. */
export declare function traceInterceptor<Options extends object, Handler>(
  dispatch: Dispatch<Options, Handler>,
): Dispatch<Options, Handler>
