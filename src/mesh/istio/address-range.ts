/** Whether the address lies in the range (`10.0.0.0/8`, or one address); both of one family. */
export function isInRange(address: string, range: string): boolean {
  const [start = '', length] = range.split('/')
  const [asked, base] = [bitsOf(address), bitsOf(start)]
  if (asked === undefined || base === undefined || asked.length !== base.length) return false
  const prefix = length === undefined ? base.length : Number(length)
  return asked.slice(0, prefix) === base.slice(0, prefix)
}

const bitsOf = (address: string): string | undefined =>
  address.includes(':') ? ipv6Bits(address) : numberBits(address.split('.'), { count: 4, radix: 10, width: 8 })

interface Parts {
  readonly count: number
  readonly radix: number
  readonly width: number
}

function numberBits(parts: readonly string[], { count, radix, width }: Parts): string | undefined {
  const numbers = parts.map((part) => Number.parseInt(part, radix))
  if (numbers.length !== count || numbers.some((number) => !(number >= 0 && number < 2 ** width))) return undefined
  return numbers.map((number) => number.toString(2).padStart(width, '0')).join('')
}

/** `::` stands for as many zeros as are missing. */
function ipv6Bits(address: string): string | undefined {
  const [head = '', tail] = address.split('::')
  const groups = (text: string): readonly string[] => (text === '' ? [] : text.split(':'))
  const [left, right] = [groups(head), groups(tail ?? '')]
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  const all = [...left, ...Array.from({ length: zeros }, () => '0'), ...right]
  return numberBits(all, { count: 8, radix: 16, width: 16 })
}
