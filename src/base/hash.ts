/** JSON with object keys sorted and undefined dropped, so that equal values have equal text. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const entries = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
  return `{${entries.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(',')}}`
}

/** FNV's prime for 64 bits is 2^40 + this. */
const PRIME_LOW = 0x1b3

/**
 * A 64-bit FNV-1a hash as 16 hex digits: a change key, not a defence against forgery. Each pass of a release hashes its
 * template: in two halves of 32 bits, since a BigInt for each byte was half of the controller's garbage.
 */
export function hashText(text: string): string {
  let high = 0xcbf29ce4
  let low = 0x84222325
  for (const byte of new TextEncoder().encode(text)) {
    const mixed = (low ^ byte) >>> 0
    const product = mixed * PRIME_LOW
    high = (high * PRIME_LOW + Math.floor(product / 2 ** 32) + mixed * 2 ** 8) >>> 0
    low = product >>> 0
  }
  return [high, low].map((half) => half.toString(16).padStart(8, '0')).join('')
}

/** The hash of a value's canonical JSON. */
export const hashValue = (value: unknown): string => hashText(canonicalJson(value))
