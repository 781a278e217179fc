import { connect as connectHttp2 } from 'node:http2'
import { request } from 'node:https'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { Secret } from '../../src/api/index.ts'
import { createSelfSignedAuthority, type Leaf, openAuthority } from '../../src/mesh/ca/index.ts'
import { type Answer, answerTo } from './mesh-world.ts'

const HOUR_MS = 3_600_000

/** An authority as a user would bring it, outside of the mesh. */
export async function createTlsAuthority() {
  const files = await createSelfSignedAuthority(Date.now())
  const opened = await openAuthority(files, Date.now())
  if (!opened.ok) throw new Error(opened.error)
  const authority = opened.value
  return {
    root: files['root-cert.pem'],
    /** For these DNS names. */
    issue: (names: readonly string[], now = Date.now()): Promise<Leaf> =>
      authority.issue({ names: names.map((value) => ({ type: 'dns', value })), now, lifetimeMs: HOUR_MS }),
  }
}

export type TlsAuthority = Awaited<ReturnType<typeof createTlsAuthority>>

export const secretOf = (name: string, namespace: string, files: Readonly<Record<string, string>>): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  type: 'kubernetes.io/tls',
  data: Object.fromEntries(Object.entries(files).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
})

export const tlsFiles = ({ certificateChain, privateKey }: Pick<Leaf, 'certificateChain' | 'privateKey'>) => ({
  'tls.crt': certificateChain,
  'tls.key': privateKey,
})

type TlsOptions = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'minVersion' | 'maxVersion' | 'ciphers' | 'checkServerIdentity'
>

export interface TlsAsk extends TlsOptions {
  readonly address: string
  readonly port: number
  /** What the handshake asks for; the Host header says the same unless `host` is given. */
  readonly serverName: string
  readonly host?: string
  readonly path?: string
}

/** Status 0 where the handshake fails. */
export const askTls = ({ address, port, serverName, host = serverName, path = '/', ...tls }: TlsAsk): Promise<Answer> =>
  answerTo(request({ host: address, port, servername: serverName, headers: { host }, path, agent: false, ...tls }))

/** The serial number of the certificate that a server shows for a name. */
export const serialOf = ({ address, port, serverName, ca }: TlsAsk): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ host: address, port, servername: serverName, ca }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '')
      socket.destroy()
    })
    socket.on('error', reject)
  })

/** One connection of HTTP/2 that is asked over and over. */
export function openHttp2({ address, port, serverName, ca }: TlsAsk) {
  const session = connectHttp2(`https://${address}:${port}`, { servername: serverName, ca })
  session.on('error', () => {})
  return {
    protocol: () => session.alpnProtocol,
    isOpen: () => !session.closed && !session.destroyed,
    ask: (): Promise<number> =>
      new Promise((resolve) => {
        const stream = session.request({ ':authority': serverName, ':path': '/' })
        stream.on('response', (headers) => resolve(Number(headers[':status'])))
        stream.on('error', () => resolve(0))
        stream.resume()
        stream.end()
      }),
    close: () => session.destroy(),
  }
}
