import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Agent, request } from 'node:https'
import { buffer } from 'node:stream/consumers'

/** One life of a process: an address of the API server that answers until the life is cut. */
export interface Life {
  readonly server: string
  /** Fires when it is cut. */
  readonly cut: AbortSignal
}

export interface ProxiedWrite {
  readonly method: string
  /** Without its query. */
  readonly path: string
  // biome-ignore lint/suspicious/noExplicitAny: an object of whatever kind is written
  readonly body: any
}

export interface CuttingProxyOptions {
  readonly target: { readonly server: string; readonly certificateAuthority: string }
  /** Asked of each write before it reaches the API server, and again when that has taken it: whether the life ends now. */
  readonly isLast: (write: ProxiedWrite, when: 'before' | 'after') => boolean
}

/**
 * Stands between processes and a real API server. A life that is cut is as good as `kill -9`: nothing that it sends
 * arrives any more, no answer reaches it, and what the API server took stays.
 */
export interface CuttingProxy extends AsyncDisposable {
  open(): Life
}

interface Lived extends Life {
  readonly end: AbortController
  readonly answers: Set<ServerResponse>
}

export async function startCuttingProxy(options: CuttingProxyOptions): Promise<CuttingProxy> {
  const agent = new Agent({ keepAlive: true, ca: options.target.certificateAuthority })
  const lives: Lived[] = []
  const server = createServer((incoming, answer) => {
    const [, number, path = ''] = /^\/life-(\d+)(\/.*)$/.exec(incoming.url ?? '') ?? []
    const life = lives[Number(number)]
    if (life === undefined || life.cut.aborted) return void answer.destroy()
    life.answers.add(answer)
    answer.once('close', () => life.answers.delete(answer))
    void pass({ ...options, agent, life, path }, incoming, answer).catch(() => answer.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    open() {
      const end = new AbortController()
      const life = {
        server: `http://127.0.0.1:${port}/life-${lives.length}`,
        cut: end.signal,
        end,
        answers: new Set<ServerResponse>(),
      }
      lives.push(life)
      return life
    },
    async [Symbol.asyncDispose]() {
      for (const life of lives) cut(life)
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      agent.destroy()
    },
  }
}

function cut({ end, answers }: Lived): void {
  end.abort()
  for (const answer of answers) answer.destroy()
}

interface Passing extends CuttingProxyOptions {
  readonly agent: Agent
  readonly life: Lived
  /** Below the API server's address, with its query. */
  readonly path: string
}

async function pass(passing: Passing, incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
  const { life, isLast, path } = passing
  const method = incoming.method ?? ''
  const body = await buffer(incoming)
  if (life.cut.aborted) return
  const isWrite = method !== 'GET'
  const write = { method, path: path.replace(/\?.*/, ''), body: body.length > 0 ? JSON.parse(`${body}`) : undefined }
  if (isWrite && isLast(write, 'before')) return cut(life)
  const taken = await forward(passing, { method, headers: incoming.headers, body }, answer)
  const { statusCode = 0 } = taken
  if (isWrite && statusCode < 300 && isLast(write, 'after')) cut(life)
  if (life.cut.aborted) return void taken.resume()
  answer.writeHead(statusCode, taken.headers)
  taken.pipe(answer)
}

interface Forwarded {
  readonly method: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

async function forward(
  { target, agent, path }: Passing,
  { method, headers: { host: _, ...headers }, body }: Forwarded,
  answer: ServerResponse,
): Promise<IncomingMessage> {
  const outgoing = request(`${target.server}${path}`, { agent, method, headers })
  // A watch ends with its reader; a write that is on its way arrives.
  if (method === 'GET') answer.once('close', () => outgoing.destroy())
  outgoing.end(body)
  const [response]: readonly IncomingMessage[] = await once(outgoing, 'response')
  if (response === undefined) throw new Error('no answer')
  return response
}
