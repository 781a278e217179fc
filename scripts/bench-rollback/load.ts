import { Agent, request } from 'node:http'
import type { Clock } from '../../src/runtime/index.ts'

export interface LoadOptions {
  readonly host: string
  readonly port: number
  readonly requestsPerSecond: number
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Called at each failed answer, with the wall clock. */
  readonly onFailure: (atMs: number) => void
}

const TICK_MS = 10

/** Sends pages at their time whether or not earlier ones were answered, as one user of the gateway; ends with the signal. */
export async function runLoad(options: LoadOptions): Promise<void> {
  const { clock, requestsPerSecond, signal } = options
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const startedAt = clock.monotonic()
  let sent = 0
  while (!signal.aborted) {
    const due = Math.floor(((clock.monotonic() - startedAt) / 1_000) * requestsPerSecond)
    for (; sent < due; sent++) send(options, agent)
    await clock.sleep(TICK_MS, signal)
  }
  agent.destroy()
}

function send({ host, port, clock, onFailure }: LoadOptions, agent: Agent): void {
  const headers = { host: 'web.example.com' }
  const call = request({ agent, host, port, path: '/', headers, timeout: 5_000 }, (response) => {
    response.resume()
    if ((response.statusCode ?? 0) >= 500) onFailure(clock.now())
  })
  call.on('timeout', () => call.destroy(new Error('no answer in 5 s')))
  call.on('error', () => onFailure(clock.now()))
  call.end()
}
