import { connect, type Socket } from 'node:net'

export interface LoadOptions {
  readonly host: string
  readonly port: number
  readonly requestsPerSecond: number
  readonly connections: number
  readonly seconds: number
  /** Of the body of each request, and of each answer. */
  readonly bytes: number
}

export interface LoadResult {
  /** Milliseconds from when a request was due, sent late or not, to the last byte of its answer. */
  readonly latencies: readonly number[]
  readonly errors: number
}

/**
 * Open loop: requests are due at fixed times whatever became of those before, and one that waits for a connection is late
 * from its own time on. It spins, so that no timer's millisecond is part of the result; it needs a processor for itself.
 */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { requestsPerSecond, seconds, connections } = options
  const total = Math.round(requestsPerSecond * seconds)
  const latencies: number[] = []
  let errors = 0
  const waiting: number[] = []
  const done = (dueAt: number, ok: boolean): void => {
    latencies.push(performance.now() - dueAt)
    if (!ok) errors += 1
    const next = waiting.shift()
    if (next !== undefined) assign(next)
  }
  const lanes = await Promise.all(Array.from({ length: connections }, () => openLane(options, done)))
  const assign = (dueAt: number): void => {
    const free = lanes.find((lane) => !lane.isBusy())
    if (free === undefined) waiting.push(dueAt)
    else free.send(dueAt)
  }
  const startedAt = performance.now()
  const dueAt = (index: number): number => startedAt + (index * 1_000) / requestsPerSecond
  for (let sent = 0; latencies.length < total; ) {
    for (; sent < total && dueAt(sent) <= performance.now(); sent += 1) assign(dueAt(sent))
    if (performance.now() > dueAt(total) + GIVE_UP_MS) break
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (const lane of lanes) lane.close()
  return { latencies, errors: errors + total - latencies.length }
}

/** What is not answered by then counts as an error. */
const GIVE_UP_MS = 10_000

interface Lane {
  isBusy(): boolean
  send(dueAt: number): void
  close(): void
}

/** One connection with one request at a time. */
async function openLane({ host, port, bytes }: LoadOptions, done: (dueAt: number, ok: boolean) => void): Promise<Lane> {
  const head = `POST / HTTP/1.1\r\nhost: ${host}:${port}\r\ncontent-type: text/plain\r\ncontent-length: ${bytes}\r\n\r\n`
  const request = Buffer.from(head + 'x'.repeat(bytes))
  const socket = await open(host, port)
  let current: number | undefined
  let received = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    const answer = readAnswer(received)
    if (answer === undefined || current === undefined) return
    const dueAt = current
    current = undefined
    received = received.subarray(answer.length)
    done(dueAt, answer.status === 200)
  })
  return {
    isBusy: () => current !== undefined,
    send(dueAt) {
      current = dueAt
      socket.write(request)
    },
    close: () => socket.destroy(),
  }
}

function open(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
}

/** Undefined until all of it is there. */
function readAnswer(received: Buffer): { readonly status: number; readonly length: number } | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const head = received.toString('latin1', 0, end)
  const length = end + 4 + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
  return received.length < length ? undefined : { status: Number(head.split(' ')[1]), length }
}
