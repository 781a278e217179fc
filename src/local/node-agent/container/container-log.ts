import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'

export interface ReadLogOptions {
  readonly follow?: boolean | undefined
  readonly tailLines?: number | undefined
  /** The run before the last start. */
  readonly previous?: boolean | undefined
}

export interface ContainerLog {
  /** Starts the log of a new run; what stood there becomes the previous one. */
  begin(): LogRun
  /** With `follow`, ends with the run or when the signal fires. */
  read(options: ReadLogOptions, signal: AbortSignal): AsyncIterable<Buffer>
  /** The newest text of the current run, for messages. */
  tail(bytes: number): string
}

export interface LogRun {
  readonly sink: Writable
  end(): void
}

/** Kubernetes' containerLogMaxSize; twice that is kept, an older and a newer half. */
const MAX_BYTES = 10 * 1024 * 1024

/** The output of one container in files: the current run and the one before, each capped in size. */
export function createContainerLog(directory: string, maxBytes = MAX_BYTES): ContainerLog {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const current = join(directory, 'current.log')
  const previous = join(directory, 'previous.log')
  let running: RunningLog | undefined
  return {
    begin() {
      running?.end()
      for (const half of ['', '.1']) {
        rmSync(`${previous}${half}`, { force: true })
        if (existsSync(`${current}${half}`)) renameSync(`${current}${half}`, `${previous}${half}`)
      }
      running = openRun(current, maxBytes)
      return running
    },
    async *read(options, signal) {
      const isFollowed = options.follow === true && options.previous !== true
      // What comes is collected from before what stands is read, so that nothing falls in between.
      using following = isFollowed ? running?.follow(signal) : undefined
      const tail = lastLines(
        Buffer.concat(readHalves(options.previous === true ? previous : current)),
        options.tailLines,
      )
      if (tail.length > 0) yield tail
      if (following !== undefined) yield* following
    },
    tail: (bytes) => Buffer.concat(readHalves(current)).subarray(-bytes).toString(),
  }
}

interface RunningLog extends LogRun {
  follow(signal: AbortSignal): Following
}

type Following = AsyncIterable<Buffer> & Disposable
type Follower = (chunk: Buffer | undefined) => void

function openRun(path: string, maxBytes: number): RunningLog {
  const followers = new Set<Follower>()
  let file = openSync(path, 'a', 0o600)
  let size = statSync(path).size
  let ended = false
  const write = (chunk: Buffer) => {
    if (ended) return
    if (size > 0 && size + chunk.length > maxBytes) {
      closeSync(file)
      renameSync(path, `${path}.1`)
      file = openSync(path, 'a', 0o600)
      size = 0
    }
    writeSync(file, chunk)
    size += chunk.length
    for (const follower of followers) follower(chunk)
  }
  return {
    sink: new Writable({
      write(chunk: Buffer, _encoding, done) {
        write(chunk)
        done()
      },
    }),
    end() {
      if (ended) return
      ended = true
      closeSync(file)
      for (const follower of followers) follower(undefined)
    },
    follow(signal) {
      const following = createFollowing(followers, signal)
      if (ended) following.follower(undefined)
      return following
    },
  }
}

/** What is written from now on, kept for a reader that is slow, until the run ends or the signal fires. */
function createFollowing(followers: Set<Follower>, signal: AbortSignal): Following & { readonly follower: Follower } {
  const waiting: (Buffer | undefined)[] = []
  let wake: (() => void) | undefined
  const follower: Follower = (chunk) => {
    waiting.push(chunk)
    wake?.()
  }
  const stop = () => follower(undefined)
  followers.add(follower)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  return {
    follower,
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (waiting.length > 0) {
          const chunk = waiting.shift()
          if (chunk === undefined) return
          yield chunk
        }
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    [Symbol.dispose]() {
      followers.delete(follower)
      signal.removeEventListener('abort', stop)
    },
  }
}

const readHalves = (path: string): readonly Buffer[] =>
  [`${path}.1`, path].flatMap((each) => (existsSync(each) ? [readFileSync(each)] : []))

function lastLines(content: Buffer, lines: number | undefined): Buffer {
  if (lines === undefined) return content
  if (lines <= 0) return Buffer.alloc(0)
  // The newline that ends the text ends its last line; it begins no further one.
  let start = content.length - 1
  for (let found = 0; found < lines && start > 0; found += 1) {
    start = content.lastIndexOf('\n', start - 1)
    if (start === -1) return content
  }
  return content.subarray(start <= 0 ? 0 : start + 1)
}
