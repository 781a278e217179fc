import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Secret } from '../../api/index.ts'
import { failure, type Result, success } from '../../base/index.ts'
import type { Credential } from '../envoy/index.ts'

/** Kubernetes' names of what a TLS Secret holds, and Istio's older ones. */
const names = {
  certificate: ['tls.crt', 'cert'],
  key: ['tls.key', 'key'],
  authority: ['ca.crt', 'cacert'],
  revoked: ['ca.crl', 'crl'],
} as const

export interface ReadCredential {
  readonly credential: Credential
  /** What is wrong although it can be used. */
  readonly problem?: string
}

/** Envoy would refuse what is broken; no failure says what stands in a Secret. */
export function readCertificate(secret: Secret, now: number): Result<ReadCredential> {
  const place = placeOf(secret)
  const [certificateChain, privateKey] = [textOf(secret, names.certificate), textOf(secret, names.key)]
  if (certificateChain === undefined) return failure(`${place} has no tls.crt`)
  if (privateKey === undefined) return failure(`${place} has no tls.key`)
  const [leaf] = parseCertificates(certificateChain) ?? []
  if (leaf === undefined) return failure(`tls.crt of ${place} is not a list of certificates in PEM`)
  const key = parseKey(privateKey)
  if (key === undefined) return failure(`tls.key of ${place} is not a private key in PEM`)
  if (!isKeyOfEnvoy(key))
    return failure(`tls.key of ${place} must be RSA with 2048 bits, or EC on P-256, P-384 or P-521`)
  if (!leaf.checkPrivateKey(key)) return failure(`tls.key of ${place} is not the key of its tls.crt`)
  const credential: Credential = { holds: 'certificate', certificateChain, privateKey }
  const isOver = leaf.validToDate.getTime() <= now
  return success({
    credential,
    ...(isOver ? { problem: `the certificate in ${place} has expired on ${leaf.validToDate.toISOString()}` } : {}),
  })
}

/** The authority stands in a Secret of its own (`NAME-cacert`), or beside the certificate. */
export function readAuthority(
  own: Secret | undefined,
  beside: Secret | undefined,
  name: string,
): Result<ReadCredential> {
  const [secret] = [own, beside].filter((each) => each !== undefined && textOf(each, names.authority) !== undefined)
  if (secret === undefined) return failure(`neither ${name} nor ${name}-cacert has a ca.crt`)
  const certificates = textOf(secret, names.authority) ?? ''
  const place = placeOf(secret)
  if (textOf(secret, names.revoked) !== undefined) {
    return failure(`${place} has a list of revoked certificates (ca.crl), which this mesh does not ask`)
  }
  if (parseCertificates(certificates) === undefined) {
    return failure(`ca.crt of ${place} is not a list of certificates in PEM`)
  }
  return success({ credential: { holds: 'authority', certificates } })
}

const placeOf = ({ metadata }: Secret): string => `Secret ${metadata.namespace}/${metadata.name}`

function textOf({ data = {} }: Secret, keys: readonly string[]): string | undefined {
  const encoded = keys.map((key) => data[key]).find((value) => value !== undefined && value !== '')
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString()
}

/** Undefined when there is none, or one that cannot be read. */
function parseCertificates(text: string): readonly X509Certificate[] | undefined {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  try {
    return blocks?.map((block) => new X509Certificate(block))
  } catch {
    return undefined
  }
}

function parseKey(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text)
  } catch {
    return undefined
  }
}

const curves = ['prime256v1', 'secp384r1', 'secp521r1']

function isKeyOfEnvoy({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType === 'rsa') return (asymmetricKeyDetails?.modulusLength ?? 0) >= 2_048
  return asymmetricKeyType === 'ec' && curves.includes(asymmetricKeyDetails?.namedCurve ?? '')
}
