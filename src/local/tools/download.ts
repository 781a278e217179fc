import { createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Dispatcher, fetch, type Response } from 'undici'
import { messageOf } from '../../runtime/index.ts'
import { sha256Of } from './cache.ts'
import { withoutCredentials } from './run-command.ts'

export interface DownloadOrder {
  readonly url: string
  readonly sha256: string
  /** Bytes after which it is surely not the file that was pinned. */
  readonly maxBytes: number
  /** What is there already of an earlier, interrupted download is not fetched again. */
  readonly destination: string
  readonly dispatcher: Dispatcher
  readonly headers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  readonly onBytes: (received: number, total: number | undefined) => void
}

const ATTEMPTS = 3

/** Fetches a pinned file. A broken connection is resumed; bytes with another hash are deleted and never returned. */
export async function download(order: DownloadOrder): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const offset = await sizeOf(order.destination)
    try {
      await transfer(order, offset)
      await verify(order)
      return
    } catch (error) {
      order.signal.throwIfAborted()
      // What an earlier start left behind may be spoiled: then it is the whole file's turn.
      const again = error instanceof WrongHash ? offset > 0 : error instanceof Interrupted
      if (!again || attempt === ATTEMPTS) throw new Error(withoutCredentials(messageOf(error)))
    }
  }
}

/** Thrown when the bytes are not those that were pinned; they are deleted by then. */
class WrongHash extends Error {}

/** Thrown when the connection broke, or the answer was a passing one. */
class Interrupted extends Error {}

async function transfer(order: DownloadOrder, offset: number): Promise<void> {
  const answer = await ask(order, offset)
  if (answer.status === 416 || (answer.status === 206 && !resumesAt(answer, offset))) {
    await rm(order.destination, { force: true })
    throw new Interrupted(`${order.url}: the server can not resume where the last download ended`)
  }
  if (!answer.ok || answer.body === null) throw refusal(order.url, answer.status)
  const start = answer.status === 206 ? offset : 0
  try {
    await pipeline(
      Readable.fromWeb(answer.body),
      counter(order, { start, total: totalOf(answer, start) }),
      createWriteStream(order.destination, { flags: start > 0 ? 'a' : 'w' }),
      { signal: order.signal },
    )
  } catch (cause) {
    if (cause instanceof TooLarge) throw cause
    throw new Interrupted(`${order.url}: the connection broke`, { cause: causeOf(cause) })
  }
}

const resumesAt = (answer: Response, offset: number): boolean =>
  answer.headers.get('content-range')?.startsWith(`bytes ${offset}-`) === true

function totalOf(answer: Response, start: number): number | undefined {
  const length = answer.headers.get('content-length')
  return length === null ? undefined : start + Number(length)
}

async function ask(order: DownloadOrder, offset: number): Promise<Response> {
  const range = offset > 0 ? { range: `bytes=${offset}-` } : {}
  try {
    return await fetch(order.url, {
      headers: { ...order.headers, ...range, 'accept-encoding': 'identity' },
      dispatcher: order.dispatcher,
      signal: order.signal,
    })
  } catch (cause) {
    throw new Interrupted(order.url, { cause: causeOf(cause) })
  }
}

/** The fetch of undici says "fetch failed" and keeps the reason as its cause. */
const causeOf = (error: unknown): unknown => (error instanceof Error ? (error.cause ?? error) : error)

const refusal = (url: string, status: number): Error =>
  status === 429 || status >= 500
    ? new Interrupted(`${url} answered ${status}`)
    : new Error(`${url} answered ${status}`)

/** Thrown when a server sends more than the pinned file could have. */
class TooLarge extends Error {}

function counter(order: DownloadOrder, { start, total }: { start: number; total: number | undefined }): Transform {
  let received = start
  return new Transform({
    transform(chunk: Buffer, _, done) {
      received += chunk.length
      order.onBytes(received, total)
      if (received > order.maxBytes) done(new TooLarge(`${order.url} sends more than ${order.maxBytes} bytes`))
      else done(null, chunk)
    },
  })
}

async function verify(order: DownloadOrder): Promise<void> {
  const actual = await sha256Of(order.destination)
  if (actual === order.sha256) return
  await rm(order.destination, { force: true })
  throw new WrongHash(`${order.url} has the sha256 ${actual}, pinned is ${order.sha256}: not used`)
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0
}
