import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { z } from 'zod'

export interface LoadOptions {
  readonly host: string
  readonly port: number
  readonly requestsPerSecond: number
  readonly connections: number
  readonly seconds: number
  /** Of the body of each request, and of each answer. */
  readonly bytes: number
}

/** Milliseconds from when a request was due, sent late or not, to the last byte of its answer. */
const loadResultSchema = z.object({ p50: z.number(), p90: z.number(), p99: z.number(), errors: z.number() })
export type LoadResult = z.infer<typeof loadResultSchema>

/** `program` is an argument vector, which may lead into a pod. Asks with an open loop: requests are due at fixed times whatever became of those before. */
export async function runLoad(program: readonly string[], options: LoadOptions): Promise<LoadResult> {
  const { host, port, requestsPerSecond, connections, bytes, seconds } = options
  const flags = { address: `${host}:${port}`, rate: requestsPerSecond, connections, bytes, seconds }
  const [command = '', ...words] = program
  const args = [...words, 'ask', ...Object.entries(flags).flatMap(([name, value]) => [`-${name}`, `${value}`])]
  const { stdout } = await promisify(execFile)(command, args, { timeout: (seconds + GIVE_UP_SECONDS) * 1_000 })
  return loadResultSchema.parse(JSON.parse(stdout))
}

const GIVE_UP_SECONDS = 30
