import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Room for a socket's name below the 107 bytes that its whole path may have. */
const LONGEST = 80

/** The folder itself, private to its owner; where its path is too long for sockets, one below the temporary folder. */
export function shortDirectory(directory: string): string {
  if (Buffer.byteLength(directory) > LONGEST) return mkdtempSync(join(tmpdir(), 'sluice-'))
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return directory
}
