import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

/**
 * Keeps a second platform off a data directory. The lock is an abstract Unix socket (Linux), so the kernel lets it go
 * with the process, however it ends; the file only says who holds it. Throws when another one does.
 */
export async function lockDirectory(directory: string): Promise<{ release(): void }> {
  const path = realpathSync(directory)
  const holder = join(path, 'pid')
  const server = createServer((socket) => socket.destroy())
  // A lock is no reason to stay alive.
  server.unref()
  server.listen(`\0sluice-data-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`)
  try {
    await once(server, 'listening')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    throw new Error(
      `the data directory ${directory} is in use by process ${readHolder(holder)}: stop it, or name another directory`,
    )
  }
  writeFileSync(holder, `${process.pid}\n`, { mode: 0o600 })
  return { release: () => void server.close() }
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return '(unknown)'
  }
}
