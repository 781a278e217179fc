import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** A process of the bench: lines in, JSON documents out, one a line; so do those that are not Node. */
export interface BenchProcess {
  readonly pid: number
  say(line: string): void
  hear<T>(): Promise<T>
  stop(): Promise<void>
}

export function startProcess(command: string, args: readonly string[]): BenchProcess {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.stdin.on('error', () => undefined)
  return {
    pid: child.pid ?? 0,
    say: (line) => void child.stdin.write(`${line}\n`),
    async hear() {
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`${command} ${args.join(' ')} ended early`)
      return JSON.parse(value)
    },
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

export const say = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`)

export interface Listening {
  readonly port: number
}

/** Nanoseconds of the machine's monotonic clock, as text: every process reads the same one. */
export interface Changed {
  readonly at: string
}

export interface Converged {
  readonly median: string
  readonly last: string
}

/** Answers `change N` lines of the parent. */
export async function answerParent(server: {
  readonly port: number
  change(round: number): Promise<bigint>
}): Promise<void> {
  say({ port: server.port } satisfies Listening)
  for await (const line of createInterface({ input: process.stdin })) {
    const at = await server.change(Number(line.split(' ')[1]))
    say({ at: `${at}` } satisfies Changed)
  }
}
