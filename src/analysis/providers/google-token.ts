import { createSign } from 'node:crypto'
import { z } from 'zod'
import { parseJson } from '../../base/index.ts'
import type { Question } from './exchange.ts'
import { type Asking, describeRefusal, kindOfRefusal, SettingsError } from './http-provider.ts'

const SCOPE = 'https://www.googleapis.com/auth/monitoring.read'
const LIFETIME_SECONDS = 3_600
const METADATA_PATH = '/computeMetadata/v1/instance/service-accounts/default/token'

const keySchema = z.object({ client_email: z.string(), private_key: z.string(), token_uri: z.url() })
const tokenSchema = z.object({ access_token: z.string() })

/** An access token: for the service account of the Secret, or else for that of the machine or pod. */
export function fetchGoogleToken(asking: Asking): Promise<string> {
  const key = asking.secret.serviceAccountKey
  if (key !== undefined) return exchangeToken(asking, signInQuestion(key, asking.options.clock.now()))
  const host = asking.options.environment.GCE_METADATA_HOST ?? 'metadata.google.internal'
  const headers = { 'metadata-flavor': 'Google' }
  return exchangeToken(asking, { method: 'GET', url: `http://${host}${METADATA_PATH}`, headers })
}

async function exchangeToken({ exchange, signal }: Asking, question: Question): Promise<string> {
  const answer = await exchange(question, signal)
  if (!answer.ok) throw new SettingsError(`no access token: ${answer.error.message}`, answer.error.kind)
  const { status, body } = answer.value
  const token = tokenSchema.safeParse(parseJson(body))
  if (status === 200 && token.success) return token.data.access_token
  throw new SettingsError(`no access token: ${describeRefusal(status, undefined)}`, kindOfRefusal(status))
}

/** The grant of RFC 7523: a statement about ourselves, signed with the key of the account. */
function signInQuestion(text: string, nowMs: number): Question {
  const key = keySchema.safeParse(parseJson(text))
  if (!key.success)
    throw new SettingsError('the key serviceAccountKey of the Secret is no key file of a service account')
  const { client_email: issuer, private_key: privateKey, token_uri: audience } = key.data
  const now = Math.floor(nowMs / 1_000)
  const claims = { iss: issuer, scope: SCOPE, aud: audience, iat: now, exp: now + LIFETIME_SECONDS }
  const content = [{ alg: 'RS256', typ: 'JWT' }, claims].map(encodePart).join('.')
  const form = {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: `${content}.${sign(content, privateKey)}`,
  }
  return {
    method: 'POST',
    url: audience,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  }
}

const encodePart = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

function sign(content: string, privateKey: string): string {
  try {
    return createSign('RSA-SHA256').update(content).sign(privateKey, 'base64url')
  } catch {
    throw new SettingsError('the private_key of serviceAccountKey is no RSA key')
  }
}
