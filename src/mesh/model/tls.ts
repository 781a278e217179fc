export type TlsVersion = '1.0' | '1.1' | '1.2' | '1.3'

/** A Secret that a proxy needs: for its certificate and key, or for the authority that signs those of others. */
export interface CredentialUse {
  readonly namespace: string
  readonly name: string
  readonly holds: 'certificate' | 'authority'
}

/** How a server of a gateway speaks TLS to clients. */
export interface ServerTls {
  /** A Secret of the proxy's namespace. */
  readonly credential: string
  /** Whether clients show a certificate; the credential's authority must have signed it. */
  readonly clientCertificates: 'ignored' | 'optional' | 'required'
  /** Of which a client's certificate must have one; any when empty. */
  readonly subjectAltNames: readonly string[]
  readonly minimumVersion: TlsVersion
  readonly maximumVersion: TlsVersion
  /** Envoy's own when empty. */
  readonly cipherSuites: readonly string[]
}

/**
 * How a proxy speaks to the endpoints of a cluster, whatever they would take. Paths are those of its own files, Secrets
 * those of its namespace.
 */
export type ClientTls =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'mesh' } & AskedName)
  | ({
      readonly kind: 'own'
      /** Who must have signed the server's certificate. */
      readonly authority:
        | { readonly kind: 'unchecked' | 'system' }
        | { readonly kind: 'file'; readonly path: string }
        | Credential
      readonly certificate?: { readonly kind: 'files'; readonly chain: string; readonly key: string } | Credential
    } & AskedName)

/** What a Secret holds. */
interface Credential {
  readonly kind: 'secret'
  readonly name: string
}

interface AskedName {
  /** What the handshake asks for. */
  readonly serverName?: string
  /** Of which the server's certificate must have one. */
  readonly subjectAltNames: readonly string[]
}
