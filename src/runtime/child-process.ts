import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { findExecutable } from './executable.ts'
import type { Logger } from './log.ts'
import { groupLedBy, signalGroup, untilGroupGone } from './process-group.ts'
import { guardGroup, releaseGroup } from './watchdog.ts'

export interface ChildOptions {
  /** A path, or a name looked up on the PATH of `env`. No shell is involved. */
  readonly command: string
  readonly args?: readonly string[]
  /** The whole environment of the child: nothing is inherited. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Where its output goes. A sink is never ended here, so that it outlives a restart. */
  readonly stdout: Writable | 'ignore'
  readonly stderr: Writable | 'ignore'
  readonly log: Logger
}

export interface ChildExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A running process group: the child leads it, and nothing of it outlives the child or this process. */
export interface Child {
  readonly pid: number
  /** Resolves when the child has ended, what was left of its group is killed and its output is written. */
  readonly exited: Promise<ChildExit>
  /** Signals the whole group; does nothing after the end. */
  kill(signal: NodeJS.Signals): void
  /** SIGTERM, then SIGKILL after the grace; resolves with the end. */
  stop(options: { readonly graceMs: number }): Promise<void>
}

/** What ended may still be dying, and a process that left the group may hold the output open for ever. */
const PATIENCE_MS = 1_000

/**
 * Starts a child as the leader of its own session and process group. It dies with this process, kill -9 included: the
 * kernel ends the child (`setpriv --pdeathsig`, where present) and the watchdog ends the rest of its group.
 * Throws when the command can not be started.
 */
export function spawnChild(options: ChildOptions): Child {
  const child = startProcess(options)
  const pid = child.pid
  if (pid === undefined) throw startError(options, child)
  const group = groupLedBy(pid)
  guardGroup(group)
  forward(child.stdout, options.stdout)
  forward(child.stderr, options.stderr)
  options.log.debug({ pid, command: options.command }, 'child started')

  let ended = false
  const exited = new Promise<ChildExit>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = true
      signalGroup(pid, 'SIGKILL')
      options.log.debug({ pid, command: options.command, code, signal }, 'child ended')
      void Promise.all([untilGroupGone(pid, PATIENCE_MS), untilWritten(child)]).then(() => {
        releaseGroup(group)
        resolve({ code, signal })
      })
    })
  })
  const kill = (signal: NodeJS.Signals) => {
    if (!ended) signalGroup(pid, signal)
  }
  return { pid, exited, kill, stop: ({ graceMs }) => stopGroup({ kill, exited, graceMs }) }
}

function startProcess(options: ChildOptions): ChildProcess {
  const command = findExecutable(options.command, { path: options.env.PATH, cwd: options.cwd })
  if (command === undefined) {
    throw new Error(`cannot start "${options.command}": no such executable file, nor one of that name on PATH`)
  }
  const launcher = parentDeathLauncher()
  const [file = command, ...args] = [...launcher, command, ...(options.args ?? [])]
  return spawn(file, args, {
    detached: true,
    env: { ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: ['ignore', options.stdout === 'ignore' ? 'ignore' : 'pipe', options.stderr === 'ignore' ? 'ignore' : 'pipe'],
  })
}

let launcherFound: readonly string[] | undefined

/** The kernel forgets the setting on fork, so it can only be set from within the child, just before its exec. */
function parentDeathLauncher(): readonly string[] {
  launcherFound ??= findParentDeathLauncher()
  return launcherFound
}

function findParentDeathLauncher(): readonly string[] {
  const setpriv = findExecutable('setpriv', { path: process.env.PATH })
  if (setpriv === undefined) return []
  const launcher = [setpriv, '--pdeathsig', 'KILL', '--']
  // Busybox has a setpriv that lacks the option.
  const trial = spawnSync(setpriv, [...launcher.slice(1), setpriv, '--version'], { stdio: 'ignore' })
  return trial.status === 0 ? launcher : []
}

function startError(options: ChildOptions, child: ChildProcess): Error {
  // Node reports the cause of a failed start by an event, which nobody would hear after the throw.
  child.once('error', (error) => options.log.error({ command: options.command, err: error.message }, 'start failed'))
  const where = options.cwd === undefined ? '' : ` in "${options.cwd}"`
  return new Error(`cannot start "${options.command}"${where}: the system refused (does the directory exist?)`)
}

function forward(output: Readable | null, sink: Writable | 'ignore'): void {
  if (output === null || sink === 'ignore') return
  output.pipe(sink, { end: false })
  // A sink that broke must not block the child on a full pipe.
  const discard = () => output.resume()
  output.on('unpipe', discard)
  output.on('error', () => {})
  sink.on('error', discard)
  // A sink outlives many children: nothing of them may stay on it.
  output.once('close', () => {
    output.unpipe(sink)
    sink.off('error', discard)
  })
}

async function untilWritten(child: ChildProcess): Promise<void> {
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const patience = new AbortController()
  const tooLate = delay(PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => {})
  await Promise.race([closed, tooLate])
  patience.abort()
  child.stdout?.destroy()
  child.stderr?.destroy()
}

interface StopOrder extends Pick<Child, 'kill' | 'exited'> {
  readonly graceMs: number
}

async function stopGroup({ kill, exited, graceMs }: StopOrder): Promise<void> {
  kill('SIGTERM')
  const hardKill = setTimeout(() => kill('SIGKILL'), graceMs)
  await exited
  clearTimeout(hardKill)
}
