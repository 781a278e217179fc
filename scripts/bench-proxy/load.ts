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

/** Milliseconds. */
const quantilesSchema = z.object({ p50: z.number(), p90: z.number(), p99: z.number() })
export type Quantiles = z.infer<typeof quantilesSchema>

/** From when a request was due, sent late or not, to the last byte of its answer. */
const loadResultSchema = quantilesSchema.extend({ errors: z.number() })
export type LoadResult = z.infer<typeof loadResultSchema>

/** How late a thread wakes that sleeps until a fixed time, and how long a byte to another thread and back takes. */
const wakeResultSchema = z.object({ timer: quantilesSchema, thereAndBack: quantilesSchema })
export type WakeResult = z.infer<typeof wakeResultSchema>

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

/** Of the machine as it is, without any request. */
export async function measureWaking(program: string, requestsPerSecond: number): Promise<WakeResult> {
  const { stdout } = await promisify(execFile)(program, ['wake', '-rate', `${requestsPerSecond}`, '-seconds', '2'])
  return wakeResultSchema.parse(JSON.parse(stdout))
}
