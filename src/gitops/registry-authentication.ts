import { z } from 'zod'
import { parseJson } from '../base/index.ts'
import type { RegistryCredentials } from './docker-config.ts'
import type { Repository } from './image-reference.ts'
import { RegistryError } from './registry-error.ts'
import { get } from './registry-http.ts'

const tokenSchema = z.object({ token: z.string().min(1).optional(), access_token: z.string().min(1).optional() })

export interface ChallengedRequest {
  readonly url: URL
  /** The WWW-Authenticate header. */
  readonly challenge: string
  readonly repository: Repository
  readonly credentials: RegistryCredentials | undefined
}

/** Answers a registry's challenge with the value of an Authorization header. */
export async function authenticate(request: ChallengedRequest, signal: AbortSignal): Promise<string> {
  const { challenge, credentials } = request
  if (/^basic\b/i.test(challenge)) {
    if (credentials === undefined) throw refused(request.url, 'wants a user name and password')
    return basic(credentials)
  }
  if (!/^bearer\b/i.test(challenge)) throw refused(request.url, 'asks for a way to log in that is not known here')
  return `Bearer ${await fetchToken(request, signal)}`
}

async function fetchToken(request: ChallengedRequest, signal: AbortSignal): Promise<string> {
  const realm = realmOf(request)
  const service = parameterOf(request.challenge, 'service')
  if (service !== undefined) realm.searchParams.set('service', service)
  // Our own words, not the registry's: the token can do no more than read this repository.
  realm.searchParams.set('scope', `repository:${request.repository.path}:pull`)
  const response = await get(realm, request.credentials && basic(request.credentials), signal)
  if (response.status === 429 || response.status >= 500) {
    throw new RegistryError(
      'RegistryFailed',
      `token server ${realm.host} answered HTTP ${response.status}; trying again`,
    )
  }
  const token = response.status === 200 ? parseToken(response.body) : undefined
  if (token === undefined) throw refused(request.url, `gave no token (HTTP ${response.status} from ${realm.host})`)
  return token
}

/** Credentials go to the realm, so it must be the registry itself or speak TLS. */
function realmOf({ url, challenge }: ChallengedRequest): URL {
  const text = parameterOf(challenge, 'realm')
  const realm = text !== undefined && URL.canParse(text) ? new URL(text) : undefined
  if (realm === undefined) throw refused(url, 'names no token server that can be read')
  if (realm.protocol !== 'https:' && realm.origin !== url.origin) {
    throw refused(url, `names the token server ${realm.host} without TLS, which is refused`)
  }
  return realm
}

function parameterOf(challenge: string, name: string): string | undefined {
  const match = new RegExp(`[ ,]${name}="([^"]{0,2000})"`, 'i').exec(challenge)
  return match?.[1]
}

function parseToken(body: string): string | undefined {
  const parsed = tokenSchema.safeParse(parseJson(body)).data
  return parsed?.token ?? parsed?.access_token
}

const basic = ({ username, password }: RegistryCredentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

const refused = (url: URL, what: string): RegistryError =>
  new RegistryError('AuthenticationFailed', `registry ${url.host} ${what}; check the Secret in spec.secretRef`)
