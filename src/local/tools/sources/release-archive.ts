import { join } from 'node:path'
import { makeExecutable } from '../cache.ts'
import { download } from '../download.ts'
import { createDispatcher } from '../http.ts'
import type { ToolSource } from '../tool.ts'
import { untarEntry } from '../unpack.ts'

/** A pinned .tar.gz and the binary in it. */
export interface ReleaseArchive {
  readonly url: string
  readonly sha256: string
  readonly maxBytes: number
  readonly entry: string
}

/** Fetches an official release archive. */
export function releaseArchiveSource(archive: ReleaseArchive): ToolSource {
  return {
    name: `release archive ${archive.url.split('/').at(-1)}`,
    async fetch(job) {
      const dispatcher = createDispatcher(job.environment)
      const file = join(job.workDirectory, `${archive.sha256}.part`)
      try {
        await download({ ...archive, destination: file, dispatcher, signal: job.signal, onBytes: job.onBytes })
      } finally {
        await dispatcher.destroy()
      }
      await untarEntry(file, archive.entry, job.destination)
      await makeExecutable(job.destination)
    },
  }
}
