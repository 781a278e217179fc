import { generateKeyPairSync, sign } from 'node:crypto'

/** Signs tokens. Each has a key of its own, under the same name as all others. */
export function createTokenIssuer(issuer: string) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  return {
    /** As JSON. */
    keySet: JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256' }] }),
    /** For alice and an hour, unless the claims say otherwise. */
    tokenOf(claims: object = {}): string {
      const now = Math.floor(Date.now() / 1_000)
      const payload = base64({ iss: issuer, sub: 'alice', iat: now, exp: now + 3_600, ...claims })
      const text = `${base64({ alg: 'RS256', typ: 'JWT', kid: 'one' })}.${payload}`
      return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`
    },
  }
}

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
