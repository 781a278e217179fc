import { failure, type Result, success } from '../../base/index.ts'

export interface Address {
  /** Origin and path, without a slash at the end and without credentials: messages may show it. */
  readonly base: string
  readonly credentials?: { readonly username: string; readonly password: string } | undefined
}

/** `title` is how sentences call the server. */
export function parseAddress(address: string, title: string): Result<Address> {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const field = title === 'Prometheus' ? 'spec.metricsServer or provider.address' : 'provider.address'
    return failure(`the address of ${title} is not an http or https URL: set ${field}`)
  }
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  if (url.username === '' && url.password === '') return success({ base })
  return success({ base, credentials: { username: decode(url.username), password: decode(url.password) } })
}

/** A percent sign that begins no escape stands for itself. */
function decode(part: string): string {
  return part.replace(/(%[0-9A-Fa-f]{2})+/g, (escapes) => Buffer.from(escapes.replaceAll('%', ''), 'hex').toString())
}
