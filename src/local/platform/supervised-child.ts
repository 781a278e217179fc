import type { Writable } from 'node:stream'
import { type Child, type ChildExit, type Clock, type Logger, messageOf, spawnChild } from '../../runtime/index.ts'
import type { ContainerLog } from '../node-agent/index.ts'

export interface SupervisedChildOptions {
  /** How people call it. */
  readonly name: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly output: ContainerLog
  /** Where its output can be read, for messages. */
  readonly outputPath: string
  readonly isReady: (signal: AbortSignal) => Promise<boolean>
  /** A better word for an end than its last line, from its output. */
  readonly explain?: (output: string) => string | undefined
  readonly clock: Clock
  readonly log: Logger
  readonly random: () => number
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly graceMs?: number
}

export interface SupervisedChild {
  /** Runs it and starts it again with back-off when it ends, until the signal fires. */
  start(signal: AbortSignal): Promise<void>
  /** Resolves when it is ready for the first time; rejects when it ends before that, with the reason. */
  readonly ready: Promise<void>
}

const FIRST_MS = 250
const LONGEST_MS = 30_000
/** Whoever lived this long was well: its next end starts from the shortest wait again. */
const HEALTHY_MS = 30_000
const LOOK_MS = 50
const GRACE_MS = 3_000

export function createSupervisedChild(options: SupervisedChildOptions): SupervisedChild {
  const { clock, log, name } = options
  const ready = Promise.withResolvers<void>()
  // Whoever does not wait for it is not harmed by its failure.
  ready.promise.catch(() => {})

  const runOnce = async (signal: AbortSignal): Promise<string> => {
    const run = options.output.begin()
    try {
      const child = spawn(options, run.sink)
      const over = new AbortController()
      const looking = untilReady(options, AbortSignal.any([signal, over.signal])).then((is) => is && ready.resolve())
      const stop = () => void child.stop({ graceMs: options.graceMs ?? GRACE_MS })
      if (signal.aborted) stop()
      signal.addEventListener('abort', stop, { once: true })
      const exit = await child.exited
      signal.removeEventListener('abort', stop)
      over.abort()
      await looking
      return describeEnd(options, exit)
    } catch (error) {
      return `${name} could not be started: ${messageOf(error)}`
    } finally {
      run.end()
    }
  }

  return {
    ready: ready.promise,
    async start(signal) {
      let waitMs = FIRST_MS
      while (!signal.aborted) {
        const startedAt = clock.monotonic()
        const end = await runOnce(signal)
        if (signal.aborted) break
        ready.reject(new Error(end))
        if (clock.monotonic() - startedAt > HEALTHY_MS) waitMs = FIRST_MS
        log.error({ child: name, restartInMs: waitMs }, end)
        await clock.sleep(waitMs * (0.75 + options.random() / 2), signal)
        waitMs = Math.min(waitMs * 2, LONGEST_MS)
      }
      ready.reject(new Error(`${name} was stopped before it was ready`))
    },
  }
}

function spawn({ argv, env, log, name }: SupervisedChildOptions, sink: Writable): Child {
  const [command = '', ...args] = argv
  return spawnChild({ command, args, env, stdout: sink, stderr: sink, log: log.child({ child: name }) })
}

async function untilReady({ clock, isReady }: SupervisedChildOptions, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if (await isReady(signal).catch(() => false)) return true
    await clock.sleep(LOOK_MS, signal)
  }
  return false
}

function describeEnd({ name, output, outputPath, explain }: SupervisedChildOptions, exit: ChildExit): string {
  const text = output.tail(4_096)
  const how = exit.signal === null ? `with exit code ${exit.code}` : `by ${exit.signal}`
  const why = explain?.(text) ?? lastWord(text)
  return `${name} ended ${how}${why === '' ? '' : `: ${why}`} (its output is in ${outputPath})`
}

/** The last line; of a crashed Node the one that names the error, since its last line names Node. */
function lastWord(text: string): string {
  const lines = text.trimEnd().split('\n')
  const last = lines.at(-1) ?? ''
  if (!last.startsWith('Node.js v')) return last
  return lines.findLast((line) => /^\w*Error\b.*: /.test(line)) ?? last
}
