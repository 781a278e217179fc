import { request } from 'node:http'

/** What is asked of a pod's Envoy over its administration interface. */
export interface ProxyAdministration {
  /** Whether it has its listeners and clusters from the mesh: its HTTP status, 200 when it has. */
  readiness(signal: AbortSignal): Promise<number>
  /**
   * From now on it answers with `connection: close`, and GOAWAY over HTTP/2, to whoever comes in; it still takes
   * connections, and what the program sends itself goes on.
   */
  drain(): Promise<void>
  countRequests(): Promise<RequestCounts>
}

/** Requests, and connections of other protocols, that came in: those that are not finished yet, and all there were. */
export interface RequestCounts {
  readonly active: number
  readonly total: number
}

const TIMEOUT_MS = 2_000

/** Listeners stay open: whoever has not heard yet is still served. */
const drainPath = {
  sidecar: '/drain_listeners?inboundonly&graceful&skip_exit',
  gateway: '/drain_listeners?graceful&skip_exit',
}

export function createProxyAdministration(socketPath: string, role: 'sidecar' | 'gateway'): ProxyAdministration {
  const ask = (method: 'GET' | 'POST', path: string, signal: AbortSignal) =>
    askSocket({ socketPath, method, path, signal })
  return {
    readiness: async (signal) => (await ask('GET', '/ready', signal)).status,
    async drain() {
      const { status, body } = await ask('POST', drainPath[role], AbortSignal.timeout(TIMEOUT_MS))
      if (status !== 200) throw new Error(`Envoy answers ${status} to drain_listeners: ${body}`)
    },
    async countRequests() {
      const { body } = await ask('GET', '/stats?filter=rq_(active|total)$', AbortSignal.timeout(TIMEOUT_MS))
      return { active: sumOfStats(body, 'active'), total: sumOfStats(body, 'total') }
    },
  }
}

/** Such as `cluster.inbound|8080||.upstream_rq_active: 2`; of a gateway `http.outbound|...downstream_rq_active`. */
const counter = /^(?:cluster\.(?:inbound\||InboundPassthroughCluster)|http\.outbound\|).*_rq_(active|total): (\d+)$/gm

const sumOfStats = (text: string, kind: keyof RequestCounts): number =>
  [...text.matchAll(counter)].filter(([, found]) => found === kind).reduce((sum, [, , value]) => sum + Number(value), 0)

interface Question {
  readonly socketPath: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly signal: AbortSignal
}

function askSocket(question: Question): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...question, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    asked.on('error', reject)
    asked.end()
  })
}
