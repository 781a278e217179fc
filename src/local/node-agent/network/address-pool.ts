/** Addresses of a block 127.N.FROM.1 to 127.N.TO.254, given out in turn so that a freed one rests for long. */
export interface AddressPool {
  /** Throws when all are taken. */
  take(): string
  /** Marks one as taken; false when it is not of this pool or taken already. */
  reserve(address: string): boolean
  release(address: string): void
}

const HOSTS = 254

export function createAddressPool(prefix: string, from: number, to: number): AddressPool {
  const size = (to - from + 1) * HOSTS
  const taken = new Set<number>()
  let cursor = 0
  const render = (index: number) => `${prefix}.${from + Math.floor(index / HOSTS)}.${1 + (index % HOSTS)}`
  const parse = (address: string): number | undefined => {
    if (!address.startsWith(`${prefix}.`)) return undefined
    const [third = Number.NaN, fourth = Number.NaN] = address.split('.').slice(2).map(Number)
    const inside = third >= from && third <= to && fourth >= 1 && fourth <= HOSTS
    return inside ? (third - from) * HOSTS + fourth - 1 : undefined
  }
  return {
    take() {
      if (taken.size >= size)
        throw new Error(`all ${size} addresses from ${render(0)} to ${render(size - 1)} are taken`)
      while (taken.has(cursor)) cursor = (cursor + 1) % size
      const index = cursor
      cursor = (cursor + 1) % size
      taken.add(index)
      return render(index)
    },
    reserve(address) {
      const index = parse(address)
      if (index === undefined || taken.has(index)) return false
      taken.add(index)
      return true
    },
    release(address) {
      const index = parse(address)
      if (index !== undefined) taken.delete(index)
    },
  }
}
