import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** Whose a block is while its platform is down: pods, Services and kubeconfigs keep its addresses. */
export interface BlockOwners {
  /** Whether it is that of another data directory, which is still there. */
  isOthers(block: number): Promise<boolean>
  /** Rejects where the note can not be written. */
  own(block: number): Promise<void>
}

/** Notes of all platforms of a user, one file for each block. */
export function createBlockOwners(dataDirectory: string, environment = process.env): BlockOwners {
  const cache = environment.XDG_CACHE_HOME || join(environment.HOME ?? homedir(), '.cache')
  const notes = join(cache, 'sluice', 'blocks')
  const self = resolve(dataDirectory)
  return {
    async isOthers(block) {
      const owner = (await readFile(join(notes, String(block)), 'utf8').catch(() => '')).trim()
      return owner !== '' && owner !== self && (await isThere(owner))
    },
    async own(block) {
      await mkdir(notes, { recursive: true })
      await writeFile(join(notes, String(block)), `${self}\n`)
    },
  }
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
