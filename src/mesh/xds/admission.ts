import { experimental, ServerCredentials } from '@grpc/grpc-js'

/** Whom a token stands for. */
export interface ProxyIdentity {
  readonly namespace: string
  readonly pod: string
}

/** Undefined for a token that stands for nobody; rejects when nobody can tell now. */
export type Authenticate = (token: string) => Promise<ProxyIdentity | undefined>

export const bearerToken = (shown: readonly (string | Buffer)[]): string =>
  String(shown[0] ?? '').replace(/^Bearer /, '')

/** A proxy may ask for nothing but what its own pod is to have: `sidecar~ADDRESS~POD.NAMESPACE~DOMAIN`. */
export const isOwnNode = (nodeId: string, { pod, namespace }: ProxyIdentity): boolean =>
  nodeId.split('~')[2] === `${pod}.${namespace}`

/** The server's own certificate, which is replaced while it serves. */
export interface ServerCertificate {
  /** PEM texts; undefined until there is one. */
  current(): { readonly certificateChain: string; readonly privateKey: string } | undefined
  /** The listener is called after each change, until the returned function is. */
  onChange(listener: () => void): () => void
}

export function serverCredentials(certificate: ServerCertificate | undefined): ServerCredentials {
  if (certificate === undefined) return ServerCredentials.createInsecure()
  const stops = new Map<experimental.IdentityCertificateUpdateListener, () => void>()
  const provider: experimental.CertificateProvider = {
    addCaCertificateListener: () => {},
    removeCaCertificateListener: () => {},
    addIdentityCertificateListener(listener) {
      const tell = () => {
        const now = certificate.current()
        if (now === undefined) return
        listener({ certificate: Buffer.from(now.certificateChain), privateKey: Buffer.from(now.privateKey) })
      }
      stops.set(listener, certificate.onChange(tell))
      // The server asks before it is able to hear; told here and now, it would drop every connection until the next
      // change.
      queueMicrotask(() => stops.has(listener) && tell())
    },
    removeIdentityCertificateListener(listener) {
      stops.get(listener)?.()
      stops.delete(listener)
    },
  }
  return experimental.createCertificateProviderServerCredentials(provider, null, false)
}
