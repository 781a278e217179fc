import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createLocalPlatform, type LocalPlatform, provisionTools } from '../../src/local/index.ts'
import { type Logger, silentLogger, systemClock } from '../../src/runtime/index.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface PlatformSetup {
  readonly dataDirectory: string
  readonly log?: Logger
  readonly mesh?: readonly string[]
}

/** The whole local platform with real tools and this project's own mesh and controller. */
export async function buildPlatform({
  dataDirectory,
  log = silentLogger,
  mesh,
}: PlatformSetup): Promise<LocalPlatform> {
  const tools = await provisionTools({
    environment: process.env,
    report: () => {},
    signal: AbortSignal.timeout(110_000),
  })
  return createLocalPlatform({
    dataDirectory,
    tools: { envoy: tools.envoy.path, prometheus: tools.prometheus.path },
    children: { mesh: mesh ?? [process.execPath, main, 'mesh'], controller: [process.execPath, main, 'controller'] },
    clock: systemClock,
    log,
    timing: { shutdownGraceMs: 1_000 },
  })
}

export interface ProcessFacts {
  readonly pid: number
  readonly command: string
}

/** Live processes whose command line or environment names a path: everything that belongs to a data directory. */
export function processesNaming(path: string): readonly ProcessFacts[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      const command = read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim()
      const isNamed = command.includes(path) || read(`/proc/${name}/environ`).includes(path)
      return isNamed && command !== '' ? [{ pid: Number(name), command }] : []
    })
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
