import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from './tool.ts'

/** What pip would use, as far as fetching one file from an index needs it. */
export interface PipConfiguration {
  readonly indexes: readonly string[]
  /** File with the certificates to trust, where pip was given one. */
  readonly certificates?: string
}

const DEFAULT_INDEX = 'https://pypi.org/simple'

/** Reads pip's variables and configuration files; variables go before files, and later files before earlier ones. */
export function readPipConfiguration(environment: Environment): PipConfiguration {
  const settings = new Map<string, string>()
  for (const file of configurationFiles(environment)) {
    for (const [key, value] of parsePipFile(readText(file))) settings.set(key, value)
  }
  const setting = (key: string) => environment[`PIP_${key.toUpperCase().replaceAll('-', '_')}`] ?? settings.get(key)
  const certificates = setting('cert')
  return {
    indexes: indexesOf(setting),
    ...(certificates === undefined ? {} : { certificates }),
  }
}

function indexesOf(setting: (key: string) => string | undefined): readonly string[] {
  if (/^(1|true|yes|on)$/i.test(setting('no-index') ?? '')) return []
  const extra = (setting('extra-index-url') ?? '').split(/\s+/).filter((url) => url !== '')
  return [setting('index-url') || DEFAULT_INDEX, ...extra]
}

/** pip's order: machine, user (old and new place), virtual environment, and PIP_CONFIG_FILE last. */
function configurationFiles(environment: Environment): readonly string[] {
  if (environment.PIP_CONFIG_FILE === '/dev/null') return []
  const home = environment.HOME ?? homedir()
  const machine = (environment.XDG_CONFIG_DIRS || '/etc/xdg')
    .split(':')
    .map((folder) => join(folder, 'pip', 'pip.conf'))
  return [
    ...machine,
    '/etc/pip.conf',
    join(home, '.pip', 'pip.conf'),
    join(environment.XDG_CONFIG_HOME || join(home, '.config'), 'pip', 'pip.conf'),
    ...(environment.VIRTUAL_ENV ? [join(environment.VIRTUAL_ENV, 'pip.conf')] : []),
    ...(environment.PIP_CONFIG_FILE ? [environment.PIP_CONFIG_FILE] : []),
  ]
}

/** The settings of the sections that `pip download` reads, in pip's ini dialect; a value may go on in indented lines. */
export function parsePipFile(text: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>()
  let section = ''
  for (const line of text.replaceAll(/\r?\n[ \t]+(?=[^\s#;])/g, ' ').split(/\r?\n/)) {
    section = /^\[(.+)\]\s*$/.exec(line)?.[1] ?? section
    const [, key, value] = /^([^\s#;[][^=:]*?)\s*[=:]\s*(.*)$/.exec(line) ?? []
    if (key === undefined || value === undefined || !SECTIONS.has(section)) continue
    settings.set(key.toLowerCase().replaceAll('_', '-'), value.trim())
  }
  return settings
}

const SECTIONS: ReadonlySet<string> = new Set(['global', 'download'])

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
