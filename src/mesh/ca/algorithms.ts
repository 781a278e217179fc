import 'reflect-metadata'
import { createPrivateKey, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

x509.cryptoProvider.set(webcrypto)

/** From here only: the package must be loaded after what it needs. */
export { x509 }

/** Of every key that is made here. */
export const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export interface SigningKey {
  readonly key: webcrypto.CryptoKey
  readonly algorithm: Algorithm
}

interface Algorithm {
  readonly name: string
  readonly hash: string
  readonly namedCurve?: string
}

const curves: Readonly<Record<string, Algorithm>> = {
  prime256v1: ecdsa,
  secp384r1: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
}

/** Reads a PEM key as openssl writes it; throws when it is no key, or of a kind that is not used here. */
export async function importSigningKey(pem: string): Promise<SigningKey> {
  const parsed = createPrivateKey(pem)
  const algorithm = algorithmOf(parsed)
  const der = parsed.export({ type: 'pkcs8', format: 'der' })
  return { algorithm, key: await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']) }
}

function algorithmOf(key: ReturnType<typeof createPrivateKey>): Algorithm {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const known = curves[key.asymmetricKeyDetails?.namedCurve ?? '']
  if (known === undefined) throw new Error('the key must be RSA, or EC on P-256 or P-384')
  return known
}

export const generateKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify'])

export async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const base64 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${base64.replace(/.{64}/g, '$&\n').trimEnd()}\n-----END PRIVATE KEY-----\n`
}

/** 127 random bits: positive, as X.509 asks. */
export function randomSerial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16))
  bytes[0] = (bytes[0] ?? 0) & 0x7f
  return Buffer.from(bytes).toString('hex')
}
