import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { createKubeClient, type KubeClient } from '../../src/kube/index.ts'
import { type Child, findExecutable, silentLogger, spawnChild } from '../../src/runtime/index.ts'
import { eventually } from './eventually.ts'
import { feed } from './feed.ts'
import { type ProcessFacts, processesNaming } from './local-platform.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** `sluice local` as its user runs it: a process of its own, with real tools, on a data directory of its own. */
export interface SluiceLocal extends AsyncDisposable {
  readonly directory: string
  readonly kubeconfig: string
  readonly prometheusUrl: string
  readonly client: KubeClient
  readonly process: Child
  /** Runs a command of the CLI to its end. */
  sluice(...words: readonly string[]): Promise<Ended>
  /** Starts a command of the CLI. */
  startSluice(...words: readonly string[]): ChildProcess
  kubectl(...words: readonly string[]): Promise<Ended>
  /** `kubectl apply -f -` of text or objects. */
  apply(input: string | readonly object[]): Promise<Ended>
  /** What it wrote itself, and what its controller and mesh wrote. */
  output(): string
  logOf(child: 'controller' | 'mesh'): string
  child(name: PlatformChild): ProcessFacts
  processes(): readonly ProcessFacts[]
  /** Starts it again on the same data directory after it has ended. */
  restart(): Promise<void>
}

export type PlatformChild = 'controller' | 'mesh' | 'prometheus'

const childMarks: Readonly<Record<PlatformChild, string>> = {
  controller: 'main.ts controller',
  mesh: 'main.ts mesh',
  prometheus: '--config.file',
}

/** Says aloud why a group is skipped where there is no kubectl. */
export function isKubectlMissing(what: string): boolean {
  if (findExecutable('kubectl', { path: process.env.PATH }) !== undefined) return false
  console.warn(`SKIPPED ${what}: kubectl is missing. To run: put kubectl on PATH`)
  return true
}

export async function startSluiceLocal(...flags: readonly string[]): Promise<SluiceLocal> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-scenario-'))
  const dataDirectory = join(directory, 'sluice')
  const kubeconfig = join(dataDirectory, 'kubeconfig')
  const environment = { ...process.env, XDG_DATA_HOME: directory, TMPDIR: directory, KUBECONFIG: kubeconfig }
  const text: string[] = []
  let running = await launch(environment, text, flags)
  const run = (command: string, words: readonly string[], input?: string) =>
    runToEnd({ command, words, environment, input })
  return {
    directory: dataDirectory,
    kubeconfig,
    get prometheusUrl() {
      return running.prometheusUrl
    },
    get process() {
      return running.process
    },
    client: createKubeClient({ kubeconfig, fieldManager: 'test' }),
    sluice: (...words) => run(process.execPath, [main, ...words]),
    startSluice: (...words) => spawn(process.execPath, [main, ...words], { env: environment }),
    kubectl: (...words) => run('kubectl', words),
    apply: (input) => run('kubectl', ['apply', '-f', '-'], typeof input === 'string' ? input : asList(input)),
    output: () => text.join(''),
    logOf: (child) => readLog(join(dataDirectory, 'processes', child)),
    child: (name) => findChild(dataDirectory, name),
    processes: () => processesNaming(directory),
    async restart() {
      running = await launch(environment, text, flags)
    },
    async [Symbol.asyncDispose]() {
      await running.process.stop({ graceMs: 30_000 })
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

const asList = (items: readonly object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items })

interface Launched {
  readonly process: Child
  readonly prometheusUrl: string
}

/** It is up when it has printed where everything is, and ends with this process, whatever ends that. */
async function launch(env: NodeJS.ProcessEnv, text: string[], flags: readonly string[]): Promise<Launched> {
  const printed: string[] = []
  const keepIn = (...pages: readonly string[][]) =>
    new PassThrough().on('data', (chunk: Buffer) => {
      for (const page of pages) page.push(String(chunk))
    })
  const child = spawnChild({
    command: process.execPath,
    args: [main, 'local', ...flags],
    env,
    stdout: keepIn(printed, text),
    stderr: keepIn(text),
    log: silentLogger,
  })
  const ended = child.exited.then(() => {
    throw new Error(`sluice local ended before it was up: ${text.join('')}`)
  })
  ended.catch(() => {})
  const up = eventually(() => readPrometheusUrl(printed.join('')), { within: 90_000, what: 'sluice local is up' })
  return { process: child, prometheusUrl: await Promise.race([up, ended]) }
}

function readPrometheusUrl(printed: string): string {
  const url = /^Prometheus +(\S+)$/m.exec(printed)?.[1]
  if (url === undefined) throw new Error(`it printed ${JSON.stringify(printed)}`)
  return url
}

interface Command {
  readonly command: string
  readonly words: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  readonly input?: string | undefined
}

function runToEnd({ command, words, environment, input }: Command): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env: environment, maxBuffer: 64 << 20, timeout: 120_000 }
    const child = execFile(command, [...words], options, (error, out, err) => {
      const code = error === null ? 0 : Number(error.code ?? -1)
      resolve({ code, out, err })
    })
    feed(child, input)
  })
}

/** The current file and those that were rotated away or written by an earlier process. */
const readLog = (folder: string): string =>
  readdirSync(folder)
    .toSorted()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('')

function findChild(dataDirectory: string, name: PlatformChild): ProcessFacts {
  const isChild = ({ command }: ProcessFacts) => command.includes(childMarks[name]) && command.includes(dataDirectory)
  const found = processesNaming(dataDirectory).find(isChild)
  if (found === undefined) throw new Error(`sluice local runs no ${name}`)
  return found
}
