import type { Container } from '../../../api/index.ts'
import type { Clock } from '../../../runtime/index.ts'
import { listeningSocketsOfGroup } from '../network/listening-sockets.ts'
import { straySockets } from '../network/socket-table.ts'
import { listenPorts } from './program-launch.ts'

/** When a young program is looked at: most listen within a second, a few load for long. */
const LOOKS_MS = [300, 1_000, 3_000, 10_000, 45_000] as const

export interface ListeningCheck {
  readonly container: Container
  readonly host: string
  /** Process group of the program. */
  readonly pid: number
  readonly clock: Clock
}

/**
 * Finds out whether a program listens where its clients and its sidecar look for it. Resolves with a sentence when it
 * listens elsewhere, with undefined when all is well, when it never listens or when the signal fires.
 */
export async function findStrayListener(check: ListeningCheck, signal: AbortSignal): Promise<string | undefined> {
  const ports = listenPorts(check.container)
  if (ports.length === 0) return undefined
  for (const wait of LOOKS_MS) {
    await check.clock.sleep(wait, signal)
    if (signal.aborted) return undefined
    const sockets = await listeningSocketsOfGroup(check.pid)
    const [stray] = straySockets(sockets, check.host, ports)
    if (stray !== undefined) return describeStray(check, stray)
    if (sockets.some(({ address, port }) => address === check.host && ports.includes(port))) return undefined
  }
  return undefined
}

function describeStray(
  { container, host }: ListeningCheck,
  { address, port }: { readonly address: string; readonly port: number },
): string {
  const where = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  const all = address === '0.0.0.0' || address === '::' ? 'all addresses of this machine, ' : ''
  return `container ${container.name} listens on ${all}${where}, but pods share one network here: it must listen on HOST:PORT (${host}:${port})`
}

/** A hint for a program that ended because its address was taken. */
export function explainAddressInUse(output: string, container: Container, host: string): string | undefined {
  if (!/EADDRINUSE|address already in use/i.test(output)) return undefined
  const port = listenPorts(container).at(-1) ?? 'PORT'
  return `container ${container.name} found its address in use. It must listen on HOST:PORT (${host}:${port}): on 0.0.0.0, :: or 127.0.0.1 it meets other pods and its own sidecar`
}
