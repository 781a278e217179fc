export interface ListeningSocket {
  readonly address: string
  readonly port: number
  readonly inode: string
}

const LISTEN = '0A'

/** The listening sockets of /proc/net/tcp or /proc/net/tcp6. */
export function parseSocketTable(text: string): readonly ListeningSocket[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const fields = line.trim().split(/\s+/)
      const [, local = '', , state] = fields
      const [address = '', port = ''] = local.split(':')
      if (state !== LISTEN) return []
      return [{ address: parseAddress(address), port: Number.parseInt(port, 16), inode: fields[9] ?? '' }]
    })
}

/** Listening sockets that clients of the pod can not reach: on a port of the container, at another address. */
export function straySockets(
  sockets: readonly ListeningSocket[],
  host: string,
  ports: readonly number[],
): readonly ListeningSocket[] {
  return sockets.filter(({ address, port }) => address !== host && ports.includes(port))
}

function parseAddress(hex: string): string {
  if (hex.length === 8) return parseWord(hex)
  const words = hex.match(/.{8}/g) ?? []
  if (words.every((word) => word === '00000000')) return '::'
  const [first, second, third, fourth = ''] = words
  // An IPv4 address in IPv6's clothes.
  if (first === '00000000' && second === '00000000' && third === 'FFFF0000') return parseWord(fourth)
  return `[${hex}]`
}

/** The kernel prints each word of an address in the machine's order: the last byte first. */
const parseWord = (hex: string): string =>
  (hex.match(/../g) ?? [])
    .reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.')
