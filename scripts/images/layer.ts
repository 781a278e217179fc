import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { readFile, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Header, type Pack, pack } from 'tar-stream'

/** What an image has at a path, which begins with no slash. Everything belongs to root; directories above are made. */
export type LayerEntry =
  | { readonly path: string; readonly file: string; readonly mode?: number }
  | { readonly path: string; readonly text: string }
  | { readonly path: string; readonly link: string }
  | { readonly path: string; readonly directory: number }

/** A tar of a part of an image's files. */
export interface Layer {
  readonly path: string
  /** SHA-256 of the tar, in hex: equal entries have the same. */
  readonly digest: string
  readonly bytes: number
}

export async function writeLayer(folder: string, entries: readonly LayerEntry[]): Promise<Layer> {
  const unnamed = join(folder, `.layer-${process.pid}-${Math.random()}`)
  const hash = createHash('sha256')
  const hashing = new Transform({
    transform(chunk, _, done) {
      hash.update(chunk)
      done(null, chunk)
    },
  })
  const tar = pack()
  const written = pipeline(tar, hashing, createWriteStream(unnamed))
  await Promise.all([written, addAll(tar, withDirectories(entries))])
  const digest = hash.digest('hex')
  const path = join(folder, `${digest}.tar`)
  await rename(unnamed, path)
  return { path, digest, bytes: (await stat(path)).size }
}

async function addAll(tar: Pack, entries: readonly LayerEntry[]): Promise<void> {
  for (const entry of entries) {
    const { header, content } = await tarEntry(entry)
    await new Promise<void>((resolve, reject) => {
      tar.entry({ ...header, mtime: new Date(0), uid: 0, gid: 0 }, content, (error) =>
        error ? reject(error) : resolve(),
      )
    })
  }
  tar.finalize()
}

interface TarEntry {
  readonly header: Partial<Header> & Pick<Header, 'name'>
  readonly content: Buffer
}

const none = Buffer.alloc(0)

async function tarEntry(entry: LayerEntry): Promise<TarEntry> {
  const name = entry.path
  if ('link' in entry) return { header: { name, type: 'symlink', linkname: entry.link }, content: none }
  if ('directory' in entry)
    return { header: { name: `${name}/`, type: 'directory', mode: entry.directory }, content: none }
  const content = 'text' in entry ? Buffer.from(entry.text) : await readFile(entry.file)
  const mode = 'text' in entry ? 0o644 : (entry.mode ?? 0o755)
  return { header: { name, type: 'file', mode, size: content.length }, content }
}

/** Sorted, so that a directory comes before what is in it. */
function withDirectories(entries: readonly LayerEntry[]): readonly LayerEntry[] {
  const all = new Map<string, LayerEntry>()
  for (const { path } of entries) {
    for (let above = dirname(path); above !== '.'; above = dirname(above)) {
      all.set(above, { path: above, directory: 0o755 })
    }
  }
  for (const entry of entries) all.set(entry.path, entry)
  return [...all.values()].toSorted((left, right) => (left.path < right.path ? -1 : 1))
}
