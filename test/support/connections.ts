import { connect, createServer, type Socket } from 'node:net'

export interface ConnectionServer {
  /** Bytes that came in over all connections so far. */
  received(): number
  stop(): Promise<void>
}

/** Answers `name:`, what it gets as it gets it, and `!` to the other side's end; with a greeting it speaks first. */
export async function startConnectionServer(
  name: string,
  address: string,
  { port = 9000, greeting = '' }: { readonly port?: number; readonly greeting?: string } = {},
): Promise<ConnectionServer> {
  let received = 0
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.write(greeting)
    socket.once('data', () => socket.write(`${name}:`))
    socket.on('data', (chunk) => {
      received += chunk.length
      socket.write(chunk)
    })
    socket.on('end', () => socket.end('!'))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, resolve)
  })
  return {
    received: () => received,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

/**
 * Says something and that it was all, and reads on to the end. Undefined when the connection is refused or reset. One
 * that waits says its last only when it has heard all that it said.
 */
export function exchange(
  host: string,
  port: number,
  text: string,
  { waits = false }: { readonly waits?: boolean } = {},
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const read = () => Buffer.concat(chunks).toString()
    const socket = connect({ host, port, allowHalfOpen: true }, () => (waits ? socket.write(text) : socket.end(text)))
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')))
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      if (waits && read().endsWith(text)) socket.end()
    })
    socket.on('error', () => resolve(undefined))
    socket.on('end', () => resolve(read()))
    socket.on('close', () => resolve(undefined))
  })
}

export interface OpenConnection {
  /** What has come so far. */
  read(): string
  isOpen(): boolean
  close(): void
}

/** Connects, says something, and stays. */
export function hold(host: string, port: number, text = ''): Promise<OpenConnection> {
  return new Promise((resolve, reject) => {
    let read = ''
    let isOpen = true
    const socket = connect({ host, port }, () => {
      socket.write(text)
      resolve({ read: () => read, isOpen: () => isOpen, close: () => socket.destroy() })
    })
    socket.on('data', (chunk) => {
      read += chunk.toString()
    })
    socket.on('error', reject)
    socket.on('close', () => {
      isOpen = false
    })
  })
}
