import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import type { Environment, Tool, ToolLocation } from './tool.ts'

/** Written beside each binary when it is installed; a binary without it, or unlike it, is not used. */
const receiptSchema = z.object({
  version: z.string(),
  source: z.string(),
  sha256: z.string(),
  size: z.number(),
  modifiedMs: z.number(),
})
type Receipt = z.output<typeof receiptSchema>

export type CacheEntry =
  | { readonly kind: 'valid'; readonly location: ToolLocation; readonly source: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'corrupted' }

/** The folder of all tools: `$XDG_CACHE_HOME/sluice/tools`, `~/.cache/sluice/tools` without it. */
export function defaultCacheDirectory(environment: Environment): string {
  const home = environment.HOME ?? homedir()
  return join(environment.XDG_CACHE_HOME || join(home, '.cache'), 'sluice', 'tools')
}

const entryOf = (directory: string, tool: Tool) => join(directory, tool.cacheKey)
export const binaryOf = (directory: string, tool: Tool): string => join(entryOf(directory, tool), tool.name)
export const workDirectoryOf = (directory: string, tool: Tool): string => `${entryOf(directory, tool)}.partial`

/** Looks a tool up. Size and time are compared each time, the whole hash only when one of them differs. */
export async function readCache(directory: string, tool: Tool): Promise<CacheEntry> {
  const binary = binaryOf(directory, tool)
  const file = await stat(binary).catch(() => undefined)
  const receipt = await readReceipt(entryOf(directory, tool))
  if (file === undefined && receipt === undefined) return { kind: 'absent' }
  if (file === undefined || receipt === undefined) return { kind: 'corrupted' }
  const untouched = file.size === receipt.size && file.mtimeMs === receipt.modifiedMs
  if (!untouched && (await sha256Of(binary)) !== receipt.sha256) return { kind: 'corrupted' }
  return { kind: 'valid', location: { path: binary, version: receipt.version }, source: receipt.source }
}

async function readReceipt(entry: string): Promise<Receipt | undefined> {
  try {
    return receiptSchema.parse(JSON.parse(await readFile(join(entry, 'receipt.json'), 'utf8')))
  } catch {
    return undefined
  }
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** Where a fetched binary is put before it is checked and installed, on the cache's own file system. */
export async function prepareStage(directory: string, tool: Tool): Promise<string> {
  const stage = join(workDirectoryOf(directory, tool), 'stage')
  await rm(stage, { recursive: true, force: true })
  await mkdir(stage, { recursive: true, mode: 0o700 })
  return stage
}

/** Puts a staged binary in its place by one rename, so that no reader ever sees half of it. */
export async function install(
  order: { readonly directory: string; readonly tool: Tool; readonly stage: string },
  facts: { readonly version: string; readonly source: string },
): Promise<ToolLocation> {
  const { directory, tool, stage } = order
  const staged = join(stage, tool.name)
  await flush(staged)
  const file = await stat(staged)
  const receipt: Receipt = { ...facts, sha256: await sha256Of(staged), size: file.size, modifiedMs: file.mtimeMs }
  await writeFile(join(stage, 'receipt.json'), `${JSON.stringify(receipt, null, 2)}\n`)
  await rm(entryOf(directory, tool), { recursive: true, force: true })
  await rename(stage, entryOf(directory, tool))
  await rm(workDirectoryOf(directory, tool), { recursive: true, force: true })
  return { path: binaryOf(directory, tool), version: facts.version }
}

export const makeExecutable = (path: string): Promise<void> => chmod(path, 0o755)

/** A rename that survives a power cut must not point to bytes that did not. */
async function flush(path: string): Promise<void> {
  const file = await open(path, 'r')
  await file.sync()
  await file.close()
}
