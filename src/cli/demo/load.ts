import { Agent, request } from 'node:http'

/** Answers by the version that gave them; `none` counts requests that nobody answered. */
export type AnswerCounts = Readonly<Record<string, Count>>

export interface Count {
  readonly requests: number
  readonly errors: number
}

function addTo(total: Record<string, Count>, version: string, more: Count): void {
  const sum = total[version] ?? { requests: 0, errors: 0 }
  total[version] = { requests: sum.requests + more.requests, errors: sum.errors + more.errors }
}

export interface LoadOptions {
  readonly address: string
  readonly port: number
  readonly hostHeader: string
  readonly requestsPerSecond: number
  /** Number the pages, so that mirrored copies can be counted to the last one. */
  readonly sequenced: boolean
}

export interface Load {
  counts(): AnswerCounts
  /** The latest failures, in words. */
  failures(): readonly string[]
  /** Resolves when every request under way was answered. */
  stop(): Promise<void>
}

const tickMs = 20
const keptFailures = 20

/**
 * Open-loop load: requests are sent at their time whether or not earlier ones were answered,
 * seven pages to three orders.
 */
export function startLoad(options: LoadOptions): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const counts: Record<string, Count> = {}
  const failures: string[] = []
  const underWay = new Set<Promise<void>>()
  let sent = 0
  let pages = 0

  const record = (version: string, failure: string | undefined) => {
    addTo(counts, version, { requests: 1, errors: failure === undefined ? 0 : 1 })
    if (failure === undefined) return
    failures.push(`${new Date().toISOString()} ${version} ${failure}`)
    if (failures.length > keptFailures) failures.shift()
  }

  const sendOne = () => {
    const isOrder = sent % 10 >= 7
    sent += 1
    if (!isOrder) pages += 1
    const headers = {
      host: options.hostHeader,
      'content-length': 0,
      ...(options.sequenced && !isOrder ? { 'x-sequence': pages } : {}),
    }
    const exchange = send({ agent, options, method: isOrder ? 'POST' : 'GET', headers }).then((outcome) =>
      record(outcome.version, outcome.failure),
    )
    underWay.add(exchange)
    void exchange.finally(() => underWay.delete(exchange))
  }

  const startedAt = performance.now()
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * options.requestsPerSecond)
    while (sent < due) sendOne()
  }, tickMs)

  return {
    counts: () => structuredClone(counts),
    failures: () => [...failures],
    async stop() {
      clearInterval(timer)
      await Promise.all(underWay)
      agent.destroy()
    },
  }
}

interface Exchange {
  readonly agent: Agent
  readonly options: LoadOptions
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string | number>>
}

/** One request; a status of 400 or more, a reset and a silence of 15 s are failures. */
function send({ agent, options, method, headers }: Exchange): Promise<{ version: string; failure?: string }> {
  return new Promise((resolve) => {
    const path = method === 'POST' ? '/orders' : '/'
    const call = request(
      { agent, host: options.address, port: options.port, method, path, headers, timeout: 15_000 },
      (response) => {
        const version = String(response.headers['x-version'] ?? 'none')
        const status = response.statusCode ?? 0
        response.resume()
        response.on('end', () =>
          resolve(status < 400 ? { version } : { version, failure: `${method} answered ${status}` }),
        )
        response.on('error', (error) => resolve({ version, failure: `${method} ${error.message}` }))
      },
    )
    call.on('timeout', () => call.destroy(new Error('no answer in 15 s')))
    call.on('error', (error) => resolve({ version: 'none', failure: `${method} ${error.message}` }))
    call.end()
  })
}

/** Counts of `later` that were not there in `earlier`. */
export function countsSince(earlier: AnswerCounts, later: AnswerCounts): AnswerCounts {
  return Object.fromEntries(
    Object.entries(later).map(([version, count]) => {
      const before = earlier[version] ?? { requests: 0, errors: 0 }
      return [version, { requests: count.requests - before.requests, errors: count.errors - before.errors }]
    }),
  )
}

/** Several clients' counts as one. */
export function addCounts(all: readonly AnswerCounts[]): AnswerCounts {
  const total: Record<string, Count> = {}
  for (const [version, count] of all.flatMap((counts) => Object.entries(counts))) addTo(total, version, count)
  return total
}
