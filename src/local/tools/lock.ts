import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/**
 * Runs work while no other process of this machine holds the lock of that name. The lock is an abstract Unix socket
 * (Linux): the kernel lets it go when the process ends in any way, so there is no stale lock to guess about.
 */
export async function withLock<T>(
  options: { readonly name: string; readonly signal: AbortSignal; readonly onWait: () => void },
  work: () => Promise<T>,
): Promise<T> {
  const address = `\0sluice-${createHash('sha256').update(options.name).digest('hex').slice(0, 32)}`
  const release = await acquire(address, options)
  try {
    return await work()
  } finally {
    release()
  }
}

async function acquire(
  address: string,
  { signal, onWait }: { readonly signal: AbortSignal; readonly onWait: () => void },
): Promise<() => void> {
  let told = false
  for (;;) {
    signal.throwIfAborted()
    const release = await listen(address)
    if (release !== undefined) return release
    if (!told) onWait()
    told = true
    await untilReleased(address, signal)
  }
}

async function listen(address: string): Promise<(() => void) | undefined> {
  // Waiting processes stay connected: they hear of the end by the end of the connection.
  const waiting = new Set<Socket>()
  const server = createServer((socket) => {
    waiting.add(socket)
    socket.on('error', () => {})
    socket.unref()
  })
  server.unref()
  server.listen(address)
  try {
    await once(server, 'listening')
    return () => {
      server.close()
      for (const socket of waiting) socket.destroy()
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined
    throw error
  }
}

async function untilReleased(address: string, signal: AbortSignal): Promise<void> {
  const socket = connect(address)
  try {
    socket.resume()
    await once(socket, 'close', { signal })
  } catch {
    // Released between the two calls, or told to stop: the caller looks.
  } finally {
    socket.destroy()
  }
}
