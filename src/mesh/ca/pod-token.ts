import { createHmac, timingSafeEqual } from 'node:crypto'

/** The pod that a proxy runs in, as whoever started the pod knows it. */
export interface PodIdentity {
  readonly namespace: string
  readonly pod: string
}

/**
 * A token that proves to whoever holds the key which pod shows it. It stands for that pod alone: one that is stolen
 * opens nothing of any other.
 */
export function createPodToken(key: string, { namespace, pod }: PodIdentity): string {
  const claims = Buffer.from(JSON.stringify([namespace, pod])).toString('base64url')
  return `${claims}.${sign(key, claims)}`
}

/** Undefined when the token was not made with the key. */
export function readPodToken(key: string, token: string): PodIdentity | undefined {
  const [claims = '', signature = ''] = token.split('.')
  const [expected, shown] = [Buffer.from(sign(key, claims)), Buffer.from(signature)]
  if (expected.length !== shown.length || !timingSafeEqual(expected, shown)) return undefined
  // What the key has signed was written by createPodToken.
  const [namespace, pod] = JSON.parse(Buffer.from(claims, 'base64url').toString()) as string[]
  return namespace && pod ? { namespace, pod } : undefined
}

const sign = (key: string, claims: string): string => createHmac('sha256', key).update(claims).digest('base64url')
