import { hashValue } from '../../base/index.ts'

// Kubernetes' own alphabet for generated names: no vowels, so no words.
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** A short stable name for a value, such as a pod template's hash. */
export function nameOfValue(value: unknown, length = 10): string {
  let rest = BigInt(`0x${hashValue(value)}`)
  let name = ''
  for (let position = 0; position < length; position += 1) {
    name += ALPHABET[Number(rest % BigInt(ALPHABET.length))] ?? ''
    rest /= BigInt(ALPHABET.length)
  }
  return name
}

/** The five random letters that Kubernetes ends generated names with. */
export const randomSuffix = (random: () => number): string =>
  Array.from({ length: 5 }, () => ALPHABET[Math.floor(random() * ALPHABET.length)] ?? '').join('')
