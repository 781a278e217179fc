import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { findExecutable, messageOf } from '../../runtime/index.ts'
import { binaryOf, defaultCacheDirectory, install, prepareStage, readCache, workDirectoryOf } from './cache.ts'
import { withLock } from './lock.ts'
import type { Environment, Report, Tool, ToolLocation, ToolSource } from './tool.ts'
import { checkVersion } from './version.ts'

export interface ProvisionOptions {
  readonly environment: Environment
  /** `$XDG_CACHE_HOME/sluice/tools` when absent. */
  readonly cacheDirectory?: string
  readonly report: Report
  readonly signal: AbortSignal
}

/** What was tried for a tool, each with its cause: the body of the error when all of it failed. */
type Attempts = string[]

/** Finds a tool on this machine, or fetches it into the cache. Throws one error that names all that was tried. */
export async function provision(tool: Tool, options: ProvisionOptions): Promise<ToolLocation> {
  const attempts: Attempts = []
  const found = await lookUp(tool, options, attempts)
  if (found !== undefined) return found
  const directory = cacheDirectoryOf(options)
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new Error(`${directory} can not be made; XDG_CACHE_HOME names another place`, { cause })
  })
  const lock = {
    name: join(directory, tool.cacheKey),
    signal: options.signal,
    onWait: () => options.report({ kind: 'waiting', tool: tool.name }),
  }
  return withLock(lock, async () => {
    const byAnother = await lookInCache(tool, options)
    if (byAnother !== undefined) return byAnother
    return fetchFromFirst(tool, options, attempts)
  })
}

/** Finds a tool on this machine: variable, PATH, cache. Fetches nothing. */
export const find = (tool: Tool, options: ProvisionOptions): Promise<ToolLocation | undefined> =>
  lookUp(tool, options, [])

const cacheDirectoryOf = (options: ProvisionOptions): string =>
  options.cacheDirectory ?? defaultCacheDirectory(options.environment)

async function lookUp(tool: Tool, options: ProvisionOptions, attempts: Attempts): Promise<ToolLocation | undefined> {
  const found =
    (await lookAtVariable(tool, options, attempts)) ??
    (await lookOnPath(tool, options, attempts)) ??
    (await lookInCache(tool, options))
  if (found === undefined) attempts.push(`cache ${binaryOf(cacheDirectoryOf(options), tool)}: not there, or spoiled`)
  return found
}

/** Who names a binary means that one: it is used, or it is an error, never passed over. */
async function lookAtVariable(
  tool: Tool,
  options: ProvisionOptions,
  attempts: Attempts,
): Promise<ToolLocation | undefined> {
  const named = options.environment[tool.variable]
  if (named === undefined || named === '') {
    attempts.push(`${tool.variable}: not set`)
    return undefined
  }
  try {
    const location = { path: named, version: await checkVersion(tool, named, options) }
    options.report({ kind: 'found', tool: tool.name, location, where: tool.variable })
    return location
  } catch (error) {
    options.signal.throwIfAborted()
    throw new Error(
      `${tool.variable}=${named} can not be used: ${messageOf(error)}. Correct or unset ${tool.variable}.`,
    )
  }
}

async function lookOnPath(
  tool: Tool,
  options: ProvisionOptions,
  attempts: Attempts,
): Promise<ToolLocation | undefined> {
  const path = findExecutable(tool.name, { path: options.environment.PATH })
  if (path === undefined) {
    attempts.push(`PATH: no ${tool.name}`)
    return undefined
  }
  try {
    const location = { path, version: await checkVersion(tool, path, options) }
    options.report({ kind: 'found', tool: tool.name, location, where: 'PATH' })
    return location
  } catch (error) {
    options.signal.throwIfAborted()
    attempts.push(`PATH: ${messageOf(error)}`)
    return undefined
  }
}

async function lookInCache(tool: Tool, options: ProvisionOptions): Promise<ToolLocation | undefined> {
  const directory = cacheDirectoryOf(options)
  const entry = await readCache(directory, tool)
  if (entry.kind === 'corrupted') {
    options.report({ kind: 'corrupted', tool: tool.name, path: binaryOf(directory, tool) })
  }
  if (entry.kind !== 'valid') return undefined
  options.report({ kind: 'found', tool: tool.name, location: entry.location, where: `cache, from ${entry.source}` })
  return entry.location
}

async function fetchFromFirst(tool: Tool, options: ProvisionOptions, attempts: Attempts): Promise<ToolLocation> {
  await sweep(workDirectoryOf(cacheDirectoryOf(options), tool))
  for (const source of tool.sources) {
    options.report({ kind: 'fetching', tool: tool.name, source: source.name })
    try {
      const location = await fetchAndInstall(tool, source, options)
      options.report({ kind: 'installed', tool: tool.name, location, source: source.name })
      return location
    } catch (error) {
      options.signal.throwIfAborted()
      const cause = messageOf(error)
      options.report({ kind: 'failed', tool: tool.name, source: source.name, cause })
      attempts.push(`${source.name}: ${cause}`)
    }
  }
  throw new Error(failureMessage(tool, attempts))
}

async function fetchAndInstall(tool: Tool, source: ToolSource, options: ProvisionOptions): Promise<ToolLocation> {
  const directory = cacheDirectoryOf(options)
  const stage = await prepareStage(directory, tool)
  const destination = join(stage, tool.name)
  const { environment, signal } = options
  await source.fetch({
    environment,
    signal,
    destination,
    workDirectory: workDirectoryOf(directory, tool),
    onBytes: (received, total) => options.report({ kind: 'bytes', tool: tool.name, received, total }),
  })
  const version = await checkVersion(tool, destination, options)
  return install({ directory, tool, stage }, { version, source: source.name })
}

/** An interrupted start leaves things behind: downloads are resumed, the rest goes. */
async function sweep(workDirectory: string): Promise<void> {
  const names = await readdir(workDirectory).catch(() => [])
  const leftovers = names.filter((name) => !name.endsWith('.part'))
  await Promise.all(leftovers.map((name) => rm(join(workDirectory, name), { recursive: true, force: true })))
}

function failureMessage(tool: Tool, attempts: Attempts): string {
  const tried = attempts.map((attempt) => `  - ${attempt}`).join('\n')
  return (
    `${tool.name} (${tool.accepts}) is needed and could not be found or fetched. Tried:\n${tried}\n` +
    `Next step: put ${tool.name} on this machine and name it with ${tool.variable}=/path/to/${tool.name}, ` +
    'or make one of the addresses above reachable (HTTPS_PROXY, PIP_INDEX_URL and SSL_CERT_FILE are honoured).'
  )
}
