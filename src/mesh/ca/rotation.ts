import type { Leaf } from './authority.ts'

/** Share of its life after which a leaf is replaced. */
const RENEW_AT = 0.5
/** Leaves that were issued together are not all renewed together. */
const JITTER = 0.1

/** When a leaf is to be replaced: at half of its life, up to a tenth of it earlier. `random` is in 0..1. */
export function renewAtMs({ issuedAtMs, notAfterMs }: Pick<Leaf, 'issuedAtMs' | 'notAfterMs'>, random: number): number {
  const life = notAfterMs - issuedAtMs
  return issuedAtMs + life * (RENEW_AT - JITTER * random)
}
