import { PassThrough } from 'node:stream'
import { silentLogger, spawnChild } from '../../runtime/index.ts'
import type { Environment } from './tool.ts'

export interface CommandOrder {
  readonly command: string
  readonly args: readonly string[]
  readonly environment: Environment
  readonly cwd?: string
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

const KEPT_OUTPUT = 16_384

/** Runs a command to its end and returns what it printed. Throws when it fails, with the last line that says why. */
export async function runCommand(order: CommandOrder): Promise<string> {
  order.signal.throwIfAborted()
  const output = new PassThrough()
  let printed = ''
  output.on('data', (chunk: Buffer) => {
    printed = (printed + chunk.toString('utf8')).slice(-KEPT_OUTPUT)
  })
  const child = spawnChild({
    command: order.command,
    args: order.args,
    env: order.environment,
    ...(order.cwd === undefined ? {} : { cwd: order.cwd }),
    stdout: output,
    stderr: output,
    log: silentLogger,
  })
  const timeLimit = AbortSignal.timeout(order.timeoutMs)
  const stop = () => void child.stop({ graceMs: 2_000 })
  const limits = AbortSignal.any([order.signal, timeLimit])
  limits.addEventListener('abort', stop, { once: true })
  const exit = await child.exited
  limits.removeEventListener('abort', stop)
  order.signal.throwIfAborted()
  if (timeLimit.aborted) throw new Error(`no end after ${Math.round(order.timeoutMs / 1_000)} s`)
  if (exit.code !== 0) throw new Error(withoutCredentials(telling(printed)) || `exit ${exit.code ?? exit.signal}`)
  return printed
}

/** The line that names the error, where a program marks it so; its last line otherwise. */
function telling(printed: string): string {
  const lines = printed.split(/[\r\n]+/).filter((line) => line.trim() !== '')
  const marked = lines.filter((line) => /^(E:|ERROR:|error:)/.test(line))
  return (marked.at(-1) ?? lines.at(-1) ?? '').trim().slice(0, 300)
}

/** Index addresses may carry a user and a password. */
export const withoutCredentials = (text: string): string => text.replaceAll(/\/\/[^/\s@]*@/g, '//***@')
