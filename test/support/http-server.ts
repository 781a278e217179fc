import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { text } from 'node:stream/consumers'

export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A real HTTP server on a port of its own that keeps what it received. */
export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly requests: ReceivedRequest[]
}

export type Handler = (response: ServerResponse, request: ReceivedRequest) => unknown

/** Starts a server; with a key and a certificate it speaks TLS. */
export async function startServer(
  handler: Handler,
  tls?: { readonly key: string; readonly cert: string },
): Promise<TestServer> {
  const requests: ReceivedRequest[] = []
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    const received = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: await text(request),
    }
    requests.push(received)
    await handler(response, received)
  }
  const onRequest = (request: IncomingMessage, response: ServerResponse) =>
    void listener(request, response).catch(() => response.destroy())
  const server: Server = tls === undefined ? createServer(onRequest) : createTlsServer(tls, onRequest)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export const answer =
  (status: number, headers: Readonly<Record<string, string>> = {}, body = ''): Handler =>
  (response) =>
    response.writeHead(status, headers).end(body)

/** Answers never. */
export const hang: Handler = () => {}

/** Breaks the connection without an answer. */
export const reset: Handler = (response) => response.destroy()

/** Gives one answer after the other, and the last one for ever. */
export function inTurn(...handlers: readonly Handler[]): Handler {
  const left = [...handlers]
  return (response, request) => (left.length > 1 ? left.shift() : left[0])?.(response, request)
}
