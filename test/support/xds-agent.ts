import { connect, createServer, type Http2Server, type Http2Session, type ServerHttp2Stream } from 'node:http2'

export interface XdsAgent {
  readonly port: number
  stop(): Promise<void>
}

/**
 * What Istio's agent is to a gRPC library that knows neither TLS nor tokens for its control plane: it listens in plain
 * text beside the application, and shows the pod's token upstream.
 */
export async function startXdsAgent(upstream: {
  readonly address: string
  readonly port: number
  readonly token: string
}): Promise<XdsAgent> {
  const sessions = new Set<Http2Session>()
  const server: Http2Server = createServer()
  server.on('session', (session) => void sessions.add(session))
  server.on('stream', (stream: ServerHttp2Stream, { host: _, ...headers }) => {
    const session = connect(`https://${upstream.address}:${upstream.port}`, { rejectUnauthorized: false })
    sessions.add(session)
    const request = session.request({ ...headers, authorization: `Bearer ${upstream.token}` }, { endStream: false })
    request.on('response', (answer) => stream.respond(answer))
    // The application asks again.
    for (const each of [session, stream, request]) each.on('error', () => stream.destroy())
    stream.pipe(request).pipe(stream)
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  return {
    port,
    async stop() {
      for (const session of sessions) session.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
