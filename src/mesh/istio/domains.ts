import { remember } from '../../base/index.ts'
import type { VirtualHost } from '../model/index.ts'
import { createFirstOnly } from './first-only.ts'

/**
 * Envoy refuses a table that has a domain twice, in whatever letters: the first host has it. One that is left without any
 * is left out; where nothing is repeated the hosts are the very same.
 */
export function eachDomainOnce(hosts: readonly VirtualHost[]): readonly VirtualHost[] {
  const isFirst = createFirstOnly()
  return hosts.flatMap((host) => {
    const isNew = inSmallLetters(host).map(isFirst)
    if (!isNew.includes(false)) return host
    const domains = host.domains.filter((_, index) => isNew[index])
    return domains.length === 0 ? [] : { ...host, domains }
  })
}

/** Most hosts stay as they are when one changes. */
const inSmallLetters = remember(({ domains }: VirtualHost) => domains.map((domain) => domain.toLowerCase()))
