import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ConfigMap } from '../../src/api/index.ts'

export interface RecordedRequest {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

type Fault = (response: ServerResponse, request: RecordedRequest) => void

/** Lists and watches one set of ConfigMaps over real HTTP, as an API server does, and breaks as it is told to. */
export interface ScriptedApiServer extends AsyncDisposable {
  readonly url: string
  readonly requests: RecordedRequest[]
  put(name: string, data: Readonly<Record<string, string>>): ConfigMap
  remove(name: string): void
  /** Answers the next request of the sort in another way. */
  failNext(sort: 'list' | 'watch' | 'stream' | 'other', fault: Fault): void
  /** Ends all watches; `roughly` cuts the connections. */
  endWatches(how: 'politely' | 'roughly'): void
  /** Writes raw text to all watches. */
  writeToWatches(text: string | Uint8Array): void
  /** Forgets the history: a watch from before is answered with an ERROR event of code 410. */
  compact(): void
  readonly openWatches: number
}

export interface ScriptedApiServerOptions {
  readonly pageSize?: number
  /** Whether it serves watches that begin with every object; refused when absent, as by a server that was told so. */
  readonly streams?: boolean
}

export async function startScriptedApiServer(options: ScriptedApiServerOptions = {}): Promise<ScriptedApiServer> {
  const state = createState(options)
  const server = createServer((request, response) => {
    void readRequest(request).then((recorded) => state.answer(recorded, response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    ...state.script,
    get openWatches() {
      return state.watches.size
    },
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

interface HistoryEvent {
  readonly type: string
  readonly version: number
  readonly object: ConfigMap
}

function createState({ pageSize = 500, streams = false }: ScriptedApiServerOptions) {
  const objects = new Map<string, ConfigMap>()
  const history: HistoryEvent[] = []
  const faults: { readonly sort: string; readonly fault: Fault }[] = []
  const watches = new Set<ServerResponse>()
  const requests: RecordedRequest[] = []
  let version = 100
  let compactedAt = 0

  const happen = (type: string, object: ConfigMap): void => {
    history.push({ type, version, object })
    for (const watch of watches) watch.write(`${JSON.stringify({ type, object })}\n`)
  }

  const list = (request: RecordedRequest, response: ServerResponse): void => {
    const all = [...objects.values()]
    const from = Number(request.query.continue ?? 0)
    const next = from + pageSize < all.length ? String(from + pageSize) : undefined
    const items = all.slice(from, from + pageSize).map(({ apiVersion: _, kind: __, ...item }) => item)
    sendJson(response, 200, {
      kind: 'ConfigMapList',
      metadata: { resourceVersion: `${version}`, continue: next },
      items,
    })
  }

  const watch = (request: RecordedRequest, response: ServerResponse): void => {
    const from = Number(request.query.resourceVersion)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    if (from < compactedAt) {
      response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })}\n`)
      return
    }
    for (const { type, object } of history.filter((event) => event.version > from)) {
      response.write(`${JSON.stringify({ type, object })}\n`)
    }
    keepOpen(response)
  }

  const keepOpen = (response: ServerResponse): void => {
    watches.add(response)
    response.on('close', () => watches.delete(response))
  }

  const stream = (response: ServerResponse): void => {
    if (!streams) {
      refuse(response, { code: 422, reason: 'Invalid' })
      return
    }
    response.writeHead(200, { 'content-type': 'application/json' })
    for (const object of objects.values()) response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`)
    const metadata = { resourceVersion: `${version}`, annotations: { 'k8s.io/initial-events-end': 'true' } }
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata } })}\n`)
    keepOpen(response)
  }

  const answer = (request: RecordedRequest, response: ServerResponse): void => {
    requests.push(request)
    const sort = sortOf(request)
    const index = faults.findIndex((each) => each.sort === sort)
    const [planned] = index < 0 ? [] : faults.splice(index, 1)
    if (planned !== undefined) planned.fault(response, request)
    else if (sort === 'list') list(request, response)
    else if (sort === 'watch') watch(request, response)
    else if (sort === 'stream') stream(response)
    else sendJson(response, 404, { kind: 'Status', reason: 'NotFound', message: 'not found', code: 404 })
  }

  const script = {
    requests,
    put(name: string, data: Readonly<Record<string, string>>): ConfigMap {
      version += 1
      const type = objects.has(name) ? 'MODIFIED' : 'ADDED'
      const object = configMap(name, data, version)
      objects.set(name, object)
      happen(type, object)
      return object
    },
    remove(name: string): void {
      version += 1
      const object = objects.get(name)
      objects.delete(name)
      if (object !== undefined) happen('DELETED', configMap(name, object.data ?? {}, version))
    },
    failNext: (sort: string, fault: Fault) => void faults.push({ sort, fault }),
    endWatches(how: 'politely' | 'roughly'): void {
      const ending = [...watches]
      watches.clear()
      for (const each of ending) how === 'politely' ? each.end() : each.destroy()
    },
    writeToWatches(text: string | Uint8Array): void {
      for (const each of watches) each.write(text)
    },
    compact(): void {
      version += 1
      compactedAt = version
    },
  }
  return { answer, watches, script }
}

function sortOf(request: RecordedRequest): string {
  if (request.method !== 'GET' || !request.path.endsWith('/configmaps')) return 'other'
  if (request.query.watch !== 'true') return 'list'
  return request.query.sendInitialEvents === 'true' ? 'stream' : 'watch'
}

const configMap = (name: string, data: Readonly<Record<string, string>>, version: number): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: `${version}` },
  data,
})

async function readRequest(request: IncomingMessage): Promise<RecordedRequest> {
  const url = new URL(request.url ?? '/', 'http://server')
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: request.headers,
    body: Buffer.concat(chunks).toString(),
  }
}

export function sendJson(
  response: ServerResponse,
  code: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

/** A Status answer, as an API server refuses. */
export function refuse(
  response: ServerResponse,
  status: { readonly code: number; readonly reason: string; readonly message?: string; readonly details?: object },
  headers: Record<string, string> = {},
): void {
  sendJson(response, status.code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', ...status }, headers)
}
