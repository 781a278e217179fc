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
