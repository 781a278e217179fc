import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { findExecutable } from '../../../runtime/index.ts'
import { makeExecutable } from '../cache.ts'
import { runCommand } from '../run-command.ts'
import type { FetchJob, ToolSource } from '../tool.ts'

/**
 * Fetches a Debian package by apt-get, which checks the archive's signature, and unpacks it without installing.
 * Needs no root: where the machine's package lists do not do, apt-get gets lists of its own.
 */
export function debianSource(order: { readonly package: string; readonly entry: string }): ToolSource {
  return {
    name: `Debian package ${order.package}`,
    async fetch(job) {
      const { environment } = job
      const missing = ['apt-get', 'dpkg'].find((name) => findExecutable(name, { path: environment.PATH }) === undefined)
      if (missing !== undefined) throw new Error(`${missing} is not installed`)
      const folder = join(job.workDirectory, 'debian')
      await rm(folder, { recursive: true, force: true })
      await mkdir(join(folder, 'unpacked'), { recursive: true })
      try {
        const archive = await downloadPackage(order.package, folder, job)
        await run(job, folder, ['dpkg', '--extract', archive, 'unpacked'])
        await copyFile(join(folder, 'unpacked', order.entry), job.destination)
        await makeExecutable(job.destination)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  }
}

async function downloadPackage(name: string, folder: string, job: FetchJob): Promise<string> {
  try {
    await run(job, folder, ['apt-get', 'download', name])
  } catch {
    // No lists, or lists that are older than the archive.
    job.signal.throwIfAborted()
    const own = await ownState(folder)
    await run(job, folder, ['apt-get', ...own, 'update'])
    await run(job, folder, ['apt-get', ...own, 'download', name])
  }
  const archive = (await readdir(folder)).find((file) => file.endsWith('.deb'))
  if (archive === undefined) throw new Error(`apt-get downloaded no ${name}`)
  return archive
}

async function ownState(folder: string): Promise<readonly string[]> {
  await mkdir(join(folder, 'state', 'lists', 'partial'), { recursive: true })
  await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true })
  return [
    `Dir::State=${join(folder, 'state')}`,
    `Dir::State::lists=${join(folder, 'state', 'lists')}`,
    `Dir::Cache=${join(folder, 'cache')}`,
    'Dir::State::status=/var/lib/dpkg/status',
  ].flatMap((option) => ['-o', option])
}

async function run(job: FetchJob, cwd: string, [command, ...args]: readonly [string, ...string[]]): Promise<void> {
  const environment = { ...job.environment, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' }
  await runCommand({ command, args, environment, cwd, signal: job.signal, timeoutMs: 300_000 })
}
