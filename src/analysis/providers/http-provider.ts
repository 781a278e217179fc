import { failure, parseJson, type Result, success } from '../../base/index.ts'
import { messageOf } from '../../runtime/index.ts'
import type { Answer, MetricProvider, ProviderOptions, ProviderProblem, Samples } from '../provider.ts'
import type { Window } from '../window.ts'
import { type Address, parseAddress } from './address.ts'
import { createExchange, type Exchange, type HttpAnswer, type Question } from './exchange.ts'

export type Secret = Readonly<Record<string, string>>

/** What tells one kind of server from another. Settings that can not work throw a SettingsError. */
export interface Dialect {
  /** How sentences call the server. */
  readonly title: string
  readonly defaultAddress?: ((options: ProviderOptions) => string) | undefined
  /** Renders the question; `exchange` is for those that must fetch a token first. */
  ask(asking: Asking): Question | Promise<Question>
  /** Reads the body of a 200. */
  read(body: string, asked: Pick<Asking, 'window' | 'options'>): Result<Samples, ProviderProblem>
  /** The server's own reason in the body of a refusal. */
  refusal?(body: unknown): string | undefined
}

export interface Asking {
  readonly query: string
  readonly window: Window
  readonly address: Address
  readonly secret: Secret
  readonly options: ProviderOptions
  readonly exchange: Exchange
  readonly signal: AbortSignal
}

/** Why nothing was asked: a missing key, a field that does not parse. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
  readonly kind: ProviderProblem['kind']
  constructor(message: string, kind: ProviderProblem['kind'] = 'query-error') {
    super(message)
    this.kind = kind
  }
}

/** These two 4xx pass with time. */
const PASSING_REFUSALS: readonly number[] = [408, 429]
const MAX_SHOWN_CHARACTERS = 300

/** A metric server that is asked by one HTTP exchange. */
export function createHttpProvider(dialect: Dialect, options: ProviderOptions): MetricProvider {
  const { secret, provider, clock, metricsServer, connections } = options
  const address = parseAddress(provider.address ?? dialect.defaultAddress?.(options) ?? metricsServer, dialect.title)
  const tls = {
    ca: secret['ca.crt'],
    cert: secret['tls.crt'],
    key: secret['tls.key'],
    insecureSkipVerify: provider.insecureSkipVerify,
  }
  const exchange = createExchange(clock, tls, connections)
  return {
    async newest(query, window, signal) {
      if (!address.ok) return { kind: 'query-error', message: address.error }
      const asking: Asking = { query, window, address: address.value, secret, options, exchange, signal }
      const answer = await converse(dialect, asking)
      if (answer.kind === 'samples') return answer
      return { kind: answer.kind, message: `${dialect.title} at ${address.value.base}: ${answer.message}` }
    },
  }
}

async function converse(dialect: Dialect, asking: Asking): Promise<Answer> {
  const known = [...Object.values(asking.secret), asking.address.credentials?.password ?? '']
  try {
    const question = await dialect.ask(asking)
    const sent = [question.headers.authorization ?? ''].flat().map((value) => value.split(' ').at(-1) ?? '')
    const answer = await asking.exchange(question, asking.signal)
    return redact(answer.ok ? describe(dialect, asking, answer.value) : answer.error, [...known, ...sent])
  } catch (error) {
    const kind = error instanceof SettingsError ? error.kind : 'provider-down'
    return redact({ kind, message: messageOf(error) }, known)
  }
}

function describe(dialect: Dialect, asking: Asking, { status, body }: HttpAnswer): Answer {
  if (status === 200) {
    const read = dialect.read(body, asking)
    return read.ok ? read.value : read.error
  }
  return { kind: kindOfRefusal(status), message: describeRefusal(status, dialect.refusal?.(parseJson(body))) }
}

export function kindOfRefusal(status: number): ProviderProblem['kind'] {
  return status >= 500 || PASSING_REFUSALS.includes(status) ? 'provider-down' : 'query-error'
}

export function describeRefusal(status: number, reason: string | undefined): string {
  const refusal = `HTTP ${status}${reason === undefined ? '' : ` ${reason.slice(0, MAX_SHOWN_CHARACTERS)}`}`
  return status === 401 || status === 403 ? `${refusal}: it refuses these credentials` : refusal
}

/** Servers repeat what they were sent. Values too short to be a secret would blot out words. */
function redact(answer: Answer, secrets: readonly string[]): Answer {
  if (answer.kind === 'samples') return answer
  const lines = secrets.flatMap((secret) => [secret, ...secret.split('\n')]).map((secret) => secret.trim())
  const hidden = lines.filter((secret) => secret.length >= 4)
  return { ...answer, message: hidden.reduce((text, secret) => text.replaceAll(secret, '***'), answer.message) }
}

/** A key that the Secret must have. */
export function requireKey(secret: Secret, key: string): string {
  const value = secret[key]?.trim()
  if (value === undefined || value === '') throw new SettingsError(`the Secret of provider.secretRef has no key ${key}`)
  return value
}

/** Bearer token or user and password, from the Secret or else from the address; none without either. */
export function authorizationOf(secret: Secret, { credentials }: Address): Readonly<Record<string, string>> {
  if (secret.token !== undefined) return { authorization: `Bearer ${secret.token.trim()}` }
  const fromSecret =
    secret.username === undefined ? undefined : { username: secret.username, password: requireKey(secret, 'password') }
  const user = fromSecret ?? credentials
  if (user === undefined) return {}
  return { authorization: `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}` }
}

/** Headers of the template; credentials do not belong into an object that everybody reads. */
export function headersOf({ provider }: ProviderOptions): Readonly<Record<string, string[]>> {
  const headers = provider.headers ?? {}
  if (Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')) {
    throw new SettingsError(
      'provider.headers must not hold authorization: put it into the Secret of provider.secretRef',
    )
  }
  return headers
}

export const samplesOf = (samples: Samples['samples']): Result<Samples, ProviderProblem> =>
  success({ kind: 'samples', samples })

export const queryError = (message: string): Result<never, ProviderProblem> => failure({ kind: 'query-error', message })

export const providerDown = (message: string): Result<never, ProviderProblem> =>
  failure({ kind: 'provider-down', message })
