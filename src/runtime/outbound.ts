import { lookup as resolve } from 'node:dns'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { getCACertificates } from 'node:tls'
import type { AxiosInstance, AxiosResponse } from 'axios'

/** A POST of JSON to an address that a user of the cluster chose. */
export interface OutboundPost {
  readonly url: string
  readonly body: unknown
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Redirects to follow, on the same host only; 0 when absent. */
  readonly maxRedirects?: number
  /** Take whatever certificate the receiver shows. */
  readonly insecureSkipVerify?: boolean
}

/** The status is all that leaves an answer: a body could carry what the caller of the caller must not read. */
export type OutboundResult =
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfter?: string }
  | { readonly kind: 'no-answer'; readonly cause: string }
  | { readonly kind: 'refused'; readonly cause: string }

export interface Outbound {
  /** Never throws, and never names the address in a cause: it may be a secret. */
  post(request: OutboundPost): Promise<OutboundResult>
}

export interface OutboundOptions {
  /** Asked with each address a host name resolves to; link-local addresses (cloud metadata) are refused when absent. */
  readonly isAddressAllowed?: (address: string) => boolean
  /** Certificates to trust beside those of the system. */
  readonly ca?: string | readonly string[]
}

export function createOutbound(options: OutboundOptions = {}): Outbound {
  const isAllowed = options.isAddressAllowed ?? isNotMetadata
  const agentOptions = { lookup: guardedLookup(isAllowed), keepAlive: false }
  let http: Promise<AxiosInstance> | undefined
  const unverified = new HttpsAgent({ ...agentOptions, rejectUnauthorized: false })
  const connect = async () => {
    // Loaded on first use: the package costs 30 MB, which releases without webhooks do not need.
    const { default: axios } = await import('axios')
    return axios.create(settings)
  }
  const settings = {
    httpAgent: new HttpAgent(agentOptions),
    httpsAgent: new HttpsAgent({
      ...agentOptions,
      ...(options.ca === undefined ? {} : { ca: [...getCACertificates('default'), options.ca].flat() }),
    }),
    // No proxy by surprise: the variables of the process are not meant for addresses of its users.
    proxy: false as const,
    maxRedirects: 0,
    responseType: 'stream' as const,
    decompress: false,
    validateStatus: () => true,
    headers: { 'user-agent': 'sluice' },
  }
  return {
    async post(request) {
      http ??= connect()
      return post({ http: await http, isAllowed, unverified }, request)
    },
  }
}

interface Connection {
  readonly http: AxiosInstance
  readonly isAllowed: (address: string) => boolean
  readonly unverified: HttpsAgent
}

async function post(connection: Connection, request: OutboundPost): Promise<OutboundResult> {
  const deadline = AbortSignal.timeout(request.timeoutMs)
  const signal = AbortSignal.any([request.signal, deadline])
  try {
    return await follow(connection, { ...request, signal })
  } catch (error) {
    if (request.signal.aborted) return { kind: 'refused', cause: 'it was cancelled' }
    if (deadline.aborted) return { kind: 'no-answer', cause: `no answer within ${request.timeoutMs / 1_000} s` }
    const refusal = refusalIn(error)
    if (refusal !== undefined) return { kind: 'refused', cause: refusal.message }
    return { kind: 'no-answer', cause: describe(error) }
  }
}

/** Thrown for what must not be tried: neither now nor again. */
class Refusal extends Error {}

/** The HTTP client wraps what the lookup of a host name threw. */
function refusalIn(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error
  return error instanceof Error && error.cause instanceof Refusal ? error.cause : undefined
}

async function follow(connection: Connection, request: OutboundPost): Promise<OutboundResult> {
  const limit = request.maxRedirects ?? 0
  let url = parseAddress(request.url)
  let method: 'POST' | 'GET' = 'POST'
  for (let redirects = 0; ; redirects += 1) {
    const answer = await send(connection, { url, method, request })
    const location = redirectOf(answer)
    if (location === undefined || limit === 0) return result(answer)
    if (redirects === limit) throw new Refusal(`it was redirected more than ${limit} times`)
    url = redirectTarget(url, location)
    // As browsers and Go do: only 307 and 308 repeat the request as it was.
    if (answer.status < 304) method = 'GET'
  }
}

function redirectOf(answer: AxiosResponse): string | undefined {
  const location: unknown = answer.headers.location
  return [301, 302, 303, 307, 308].includes(answer.status) && typeof location === 'string' ? location : undefined
}

function redirectTarget(from: URL, location: string): URL {
  const next = parseAddress(URL.canParse(location, from.href) ? new URL(location, from).href : '')
  if (next.hostname !== from.hostname) throw new Refusal('it was redirected to another host')
  if (from.protocol === 'https:' && next.protocol === 'http:') throw new Refusal('it was redirected from https to http')
  return next
}

function parseAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new Refusal('its address is not one that begins with http:// or https://')
  }
  return url
}

interface Sending {
  readonly url: URL
  readonly method: 'POST' | 'GET'
  readonly request: OutboundPost
}

async function send(
  { http, isAllowed, unverified }: Connection,
  { url, method, request }: Sending,
): Promise<AxiosResponse> {
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(literal) !== 0 && !isAllowed(literal)) throw new Refusal('its address is one that must not be called')
  const answer = await http.request({
    url: url.href,
    method,
    ...(method === 'POST' ? { data: request.body, headers: { 'content-type': 'application/json' } } : {}),
    signal: request.signal,
    ...(request.insecureSkipVerify ? { httpsAgent: unverified } : {}),
  })
  answer.data.destroy()
  return answer
}

function result(answer: AxiosResponse): OutboundResult {
  const retryAfter: unknown = answer.headers['retry-after']
  return { kind: 'answer', status: answer.status, ...(typeof retryAfter === 'string' ? { retryAfter } : {}) }
}

/** The check is on the resolved address, at the moment of the connection, so that a name can not change in between. */
function guardedLookup(isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0)
      const [first] = addresses
      if (first === undefined || !addresses.every(({ address }) => isAllowed(address))) {
        return callback(new Refusal('its address is one that must not be called'), '', 0)
      }
      return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family)
    })
  }
}

const metadata = new BlockList()
metadata.addSubnet('169.254.0.0', 16, 'ipv4')
metadata.addSubnet('fe80::', 10, 'ipv6')
metadata.addAddress('fd00:ec2::254', 'ipv6')
metadata.addAddress('100.100.100.200', 'ipv4')

const isNotMetadata = (address: string): boolean => !metadata.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection broke',
  ENOTFOUND: 'its host name is unknown',
  EAI_AGAIN: 'its host name could not be resolved',
  EHOSTUNREACH: 'its host is unreachable',
  ENETUNREACH: 'its network is unreachable',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted (self-signed)',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted (self-signed authority)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted (unknown authority)',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
}

/** Messages of the HTTP client may hold the address: only its codes are told. */
function describe(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'no code'
  return CAUSES[code] ?? `the connection failed (${code})`
}
