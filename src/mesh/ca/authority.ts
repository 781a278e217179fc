import { createPrivateKey, type X509Certificate } from 'node:crypto'
import { failure, type Result, success } from '../../base/index.ts'
import { exportKey, generateKeys, importSigningKey, randomSerial, type SigningKey, x509 } from './algorithms.ts'
import type { AuthorityFiles } from './authority-files.ts'
import { readCertificates } from './certificates.ts'

/** A certificate with its private key, ready for a proxy. */
export interface Leaf {
  /** PEM: the leaf first, then what leads to the root. */
  readonly certificateChain: string
  /** PEM, PKCS #8. */
  readonly privateKey: string
  readonly issuedAtMs: number
  readonly notAfterMs: number
}

export interface IssueRequest {
  /** The subject's names; one URI for a workload. */
  readonly names: readonly { readonly type: 'url' | 'dns' | 'ip'; readonly value: string }[]
  readonly now: number
  readonly lifetimeMs: number
}

export interface Authority {
  /** PEM of its own certificate. */
  readonly certificate: string
  /** PEM of the root that its leaves lead to. */
  readonly root: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly rootNotAfterMs: number
  /** A leaf never outlives the authority. */
  issue(request: IssueRequest): Promise<Leaf>
}

/** Clocks of the nodes may be behind ours. */
const SKEW_MS = 120_000

/** Reads an authority and checks that it can issue what its own root will be trusted for; no error names a key. */
export async function openAuthority(files: Partial<AuthorityFiles>, now: number): Promise<Result<Authority>> {
  const { 'ca-cert.pem': caPem, 'ca-key.pem': keyPem } = files
  if (!caPem || !keyPem) return failure('ca-cert.pem and ca-key.pem must be there')
  const parsed = readCertificates(caPem, files['cert-chain.pem'] ?? '', files['root-cert.pem'] ?? '')
  if (!parsed.ok) return parsed
  const { authority, root, chain } = parsed.value
  const problem = problemOf(authority, keyPem, now)
  if (problem !== undefined) return failure(problem)
  const certificate = new x509.X509Certificate(authority.raw)
  const signing = await importSigningKey(keyPem)
  return success({
    certificate: authority.toString(),
    root: root.toString(),
    notBeforeMs: certificate.notBefore.getTime(),
    notAfterMs: certificate.notAfter.getTime(),
    rootNotAfterMs: Date.parse(root.validTo),
    issue: (request) => issue(request, { certificate, signing, chain }),
  })
}

function problemOf(authority: X509Certificate, keyPem: string, now: number): string | undefined {
  if (!authority.ca) return 'ca-cert.pem is not the certificate of an authority (basicConstraints CA:TRUE is missing)'
  if (Date.parse(authority.validTo) <= now) return `ca-cert.pem has expired on ${authority.validTo}`
  if (Date.parse(authority.validFrom) > now) return `ca-cert.pem is not valid before ${authority.validFrom}`
  return keyMatches(authority, keyPem) ? undefined : 'ca-key.pem is not the key of ca-cert.pem'
}

function keyMatches(authority: X509Certificate, keyPem: string): boolean {
  try {
    return authority.checkPrivateKey(createPrivateKey(keyPem))
  } catch {
    return false
  }
}

interface Issuing {
  readonly certificate: x509.X509Certificate
  readonly signing: SigningKey
  /** What stands between a leaf and the root, the authority's own certificate first. */
  readonly chain: readonly X509Certificate[]
}

async function issue({ names, now, lifetimeMs }: IssueRequest, from: Issuing): Promise<Leaf> {
  const keys = await generateKeys()
  const notAfterMs = Math.min(now + lifetimeMs, from.certificate.notAfter.getTime())
  const leaf = await x509.X509CertificateGenerator.create({
    subject: '',
    issuer: from.certificate.subjectName,
    serialNumber: randomSerial(),
    publicKey: keys.publicKey,
    signingKey: from.signing.key,
    signingAlgorithm: from.signing.algorithm,
    notBefore: new Date(now - SKEW_MS),
    notAfter: new Date(notAfterMs),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      // Critical, since the subject is empty.
      new x509.SubjectAlternativeNameExtension([...names], true),
      await x509.AuthorityKeyIdentifierExtension.create(from.certificate.publicKey),
    ],
  })
  return {
    certificateChain: [`${leaf.toString('pem')}\n`, ...from.chain.map(String)].join(''),
    privateKey: await exportKey(keys.privateKey),
    issuedAtMs: now,
    notAfterMs,
  }
}
