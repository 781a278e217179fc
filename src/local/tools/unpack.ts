import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import { openPromise } from 'yauzl'

/** Copies one entry of a zip archive (a Python wheel is one) to a file. */
export async function unzipEntry(archive: string, name: string, destination: string): Promise<void> {
  const zip = await openPromise(archive)
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName !== name) continue
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(destination))
      return
    }
  } finally {
    zip.close()
  }
  throw new Error(`the archive holds no ${name}`)
}

/** Copies one entry of a .tar.gz archive to a file. */
export async function untarEntry(archive: string, name: string, destination: string): Promise<void> {
  let found = false
  const tar = extract()
  const reading = pipeline(createReadStream(archive), createGunzip(), tar)
  reading.catch(() => {})
  for await (const entry of tar) {
    if (entry.header.name === name && entry.header.type === 'file') {
      await pipeline(entry, createWriteStream(destination))
      found = true
    } else {
      entry.resume()
    }
  }
  await reading
  if (!found) throw new Error(`the archive holds no ${name}`)
}
