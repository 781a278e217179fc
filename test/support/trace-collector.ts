import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** As Zipkin's API v2 has it. */
export interface Span {
  readonly traceId: string
  readonly id: string
  readonly parentId?: string
  readonly kind?: string
  readonly localEndpoint: { readonly serviceName: string }
  readonly tags: Readonly<Record<string, string>>
}

/**
 * Stands where Zipkin or an OpenTelemetry collector would be: it takes POST /api/v2/spans (JSON) and POST /v1/traces
 * (protobuf) and keeps what comes.
 */
export async function startTraceCollector(address: string, port: number) {
  const spans: Span[] = []
  const exports: Buffer[] = []
  const server = createServer(async (request, response) => {
    const body = await buffer(request)
    if (request.url === '/api/v2/spans') spans.push(...(JSON.parse(body.toString()) as Span[]))
    if (request.url === '/v1/traces') exports.push(body)
    response.writeHead(request.url === '/v1/traces' ? 200 : 202).end()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, resolve)
  })
  const bound = server.address()
  return {
    /** The port that it listens at, where 0 was given. */
    port: typeof bound === 'object' ? (bound?.port ?? port) : port,
    spans,
    exports,
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

export type TraceCollector = Awaited<ReturnType<typeof startTraceCollector>>
