import { randomUUID } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'

/** Replaces a file whole, readable by its owner only. */
export function writeSecretFile(path: string, content: string): void {
  const temporary = `${path}.${randomUUID()}.tmp`
  writeFileSync(temporary, content, { mode: 0o600, flush: true })
  renameSync(temporary, path)
}
