import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lockDirectory } from '../../../src/local/platform/directory-lock.ts'

test('a second holder is turned away with the number of the first, by whatever path it comes', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-lock-'))
  const alias = `${directory}-alias`
  symlinkSync(directory, alias)
  const lock = await lockDirectory(directory)
  await expect(lockDirectory(alias)).rejects.toThrow(
    `the data directory ${alias} is in use by process ${process.pid}: stop it, or name another directory`,
  )
  lock.release()
  const next = await lockDirectory(alias)
  next.release()
  rmSync(alias)
  rmSync(directory, { recursive: true })
})
