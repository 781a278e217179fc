import { answer, startServer } from './http-server.ts'

/**
 * Stands in for Prometheus where no container runs that could be measured. It speaks the instant queries of Prometheus'
 * HTTP API, says in each answer that it is none, and gives the value that a test has set for the Canary in the query.
 */
export interface StandInPrometheus extends AsyncDisposable {
  readonly url: string
  /** From now on this is the value of what `queryOf(key)` asks; undefined = no data. 100 at first. */
  set(key: string, value: number | undefined): void
}

/** PromQL that real servers would take too. */
export const queryOf = (key: string): string => `success_percentage{canary="${key}"}`

export async function startStandInPrometheus(): Promise<StandInPrometheus> {
  const values = new Map<string, number | undefined>()
  const server = await startServer((response, request) => {
    const { path, body } = request
    const given = new URLSearchParams(body === '' ? path.slice(path.indexOf('?') + 1) : body)
    const key = /canary="([^"]+)"/.exec(given.get('query') ?? '')?.[1] ?? ''
    const value = values.has(key) ? values.get(key) : 100
    const time = Number(given.get('time') ?? Date.now() / 1_000)
    const result = value === undefined ? [] : [{ metric: {}, value: [time, String(value)] }]
    const headers = { 'content-type': 'application/json', server: 'stand-in for Prometheus' }
    const text = JSON.stringify({ status: 'success', data: { resultType: 'vector', result } })
    return answer(200, headers, text)(response, request)
  })
  return {
    url: server.url,
    set: (key, value) => void values.set(key, value),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
