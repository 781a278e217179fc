import { createServer } from 'node:net'

export interface LoopbackBlock extends AsyncDisposable {
  /** `127.N`: nobody else of this machine uses 127.N.0.0/16 while it is held. */
  readonly prefix: string
}

/** Claims a loopback block below those of the local platform by holding one of its sockets. */
export async function claimLoopbackBlock(): Promise<LoopbackBlock> {
  for (let block = 10; block < 60; block += 1) {
    const server = createServer()
    const isHeld = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen({ host: `127.${block}.0.1`, port: 6443, exclusive: true }, () => resolve(true))
    })
    if (!isHeld) continue
    return {
      prefix: `127.${block}`,
      [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
    }
  }
  throw new Error('no loopback block between 127.10 and 127.59 is free')
}
