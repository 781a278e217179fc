import { ecdsa, exportKey, generateKeys, randomSerial, x509 } from './algorithms.ts'

/** PEM texts, in Istio's Secrets `cacerts` and `istio-ca-secret` under these names. */
export interface AuthorityFiles {
  readonly 'ca-cert.pem': string
  readonly 'ca-key.pem': string
  /** From the authority towards the root; may be empty when the authority is the root. */
  readonly 'cert-chain.pem': string
  readonly 'root-cert.pem': string
}

const YEAR_MS = 365 * 24 * 3600 * 1000
/** Clocks of the nodes may be behind ours. */
const SKEW_MS = 3600_000

/** A new root that signs leaves itself, valid for ten years unless said otherwise. */
export async function createSelfSignedAuthority(now: number, lifetimeMs = 10 * YEAR_MS): Promise<AuthorityFiles> {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'O=cluster.local',
    keys,
    serialNumber: randomSerial(),
    signingAlgorithm: ecdsa,
    notBefore: new Date(now - SKEW_MS),
    notAfter: new Date(now + lifetimeMs),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const pem = `${certificate.toString('pem')}\n`
  return {
    'ca-cert.pem': pem,
    'ca-key.pem': await exportKey(keys.privateKey),
    'cert-chain.pem': '',
    'root-cert.pem': pem,
  }
}
