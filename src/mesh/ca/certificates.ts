import { X509Certificate } from 'node:crypto'
import { failure, type Result, success } from '../../base/index.ts'

export interface AuthorityCertificates {
  readonly authority: X509Certificate
  readonly root: X509Certificate
  /** What stands between a leaf and the root; empty when the authority is the root. */
  readonly chain: readonly X509Certificate[]
}

/** Reads the certificates of an authority and finds the way from it to a root. */
export function readCertificates(caPem: string, chainPem: string, rootPem: string): Result<AuthorityCertificates> {
  const texts = { 'ca-cert.pem': caPem, 'cert-chain.pem': chainPem, 'root-cert.pem': rootPem }
  const read: X509Certificate[][] = []
  for (const [name, text] of Object.entries(texts)) {
    const certificates = parsePem(text)
    if (certificates === undefined) return failure(`${name} is not a list of certificates in PEM`)
    read.push(certificates)
  }
  const [[authority] = [], between = [], roots = []] = read
  if (authority === undefined) return failure('ca-cert.pem has no certificate')
  const path = pathToRoot(authority, between, roots.length === 0 ? [authority] : roots)
  return path === undefined ? failure('no root of root-cert.pem has signed ca-cert.pem or its chain') : success(path)
}

/** Undefined when a block is no certificate. */
export function parsePem(text: string): X509Certificate[] | undefined {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  try {
    return text.trim() !== '' && blocks.length === 0 ? undefined : blocks.map((block) => new X509Certificate(block))
  } catch {
    return undefined
  }
}

const LONGEST_PATH = 8

function pathToRoot(
  authority: X509Certificate,
  between: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): AuthorityCertificates | undefined {
  const chain: X509Certificate[] = []
  let current: X509Certificate | undefined = authority
  while (current !== undefined && chain.length < LONGEST_PATH) {
    const found: X509Certificate = current
    const same = roots.find((root) => root.fingerprint256 === found.fingerprint256)
    if (same !== undefined) return { authority, root: same, chain }
    chain.push(found)
    const root = roots.find((candidate) => hasSigned(candidate, found))
    if (root !== undefined) return { authority, root, chain }
    current = between.find((candidate) => !chain.includes(candidate) && hasSigned(candidate, found))
  }
  return undefined
}

const hasSigned = (issuer: X509Certificate, certificate: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
