import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { parseJson } from '../../base/index.ts'
import { messageOf } from '../../runtime/index.ts'
import type { AwsCredentials } from './aws-signature.ts'
import { type Asking, describeRefusal, kindOfRefusal, requireKey, SettingsError } from './http-provider.ts'

type Environment = Asking['options']['environment']
type Source = (asking: Asking, environment: Environment) => Promise<AwsCredentials | undefined>

/** Those of the Secret, or else those of the process as AWS's own tools find them. */
export async function findAwsCredentials(asking: Asking): Promise<AwsCredentials> {
  for (const source of sources) {
    const found = await source(asking, asking.options.environment)
    if (found !== undefined) return found
  }
  throw new SettingsError(
    'there are no AWS credentials: set provider.secretRef, or give the controller a role (EKS Pod Identity or IRSA)',
  )
}

const sources: readonly Source[] = [fromSecret, fromEnvironment, fromPodIdentity, fromWebIdentity]

async function fromSecret({ secret }: Asking): ReturnType<Source> {
  if (secret.aws_access_key_id === undefined) return undefined
  return {
    accessKeyId: requireKey(secret, 'aws_access_key_id'),
    secretAccessKey: requireKey(secret, 'aws_secret_access_key'),
    sessionToken: secret.aws_session_token?.trim(),
  }
}

async function fromEnvironment(_: Asking, environment: Environment): ReturnType<Source> {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined
  return { accessKeyId, secretAccessKey, sessionToken: environment.AWS_SESSION_TOKEN }
}

const podIdentitySchema = z.object({ AccessKeyId: z.string(), SecretAccessKey: z.string(), Token: z.string() })

/** The agent of EKS Pod Identity (and of ECS) on its link-local address. */
async function fromPodIdentity(asking: Asking, environment: Environment): ReturnType<Source> {
  const url = environment.AWS_CONTAINER_CREDENTIALS_FULL_URI
  const file = environment.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
  if (url === undefined || file === undefined) return undefined
  const headers = { authorization: (await readToken(file)).trim() }
  const found = podIdentitySchema.safeParse(await fetchJson(asking, 'EKS Pod Identity', url, headers))
  if (!found.success) throw new SettingsError('EKS Pod Identity gave no credentials', 'provider-down')
  return {
    accessKeyId: found.data.AccessKeyId,
    secretAccessKey: found.data.SecretAccessKey,
    sessionToken: found.data.Token,
  }
}

const webIdentitySchema = z.object({
  AssumeRoleWithWebIdentityResponse: z.object({
    AssumeRoleWithWebIdentityResult: z.object({
      Credentials: z.object({ AccessKeyId: z.string(), SecretAccessKey: z.string(), SessionToken: z.string() }),
    }),
  }),
})

/** IAM roles for service accounts: the token of the pod is changed for credentials of the role. */
async function fromWebIdentity(asking: Asking, environment: Environment): ReturnType<Source> {
  const { AWS_ROLE_ARN: role, AWS_WEB_IDENTITY_TOKEN_FILE: file } = environment
  if (role === undefined || file === undefined) return undefined
  const endpoint = environment.AWS_ENDPOINT_URL_STS ?? `https://sts.${asking.options.provider.region}.amazonaws.com`
  const search = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: environment.AWS_ROLE_SESSION_NAME ?? 'sluice',
    WebIdentityToken: (await readToken(file)).trim(),
  })
  const answer = webIdentitySchema.safeParse(await fetchJson(asking, 'AWS STS', `${endpoint}/?${search}`, {}))
  if (!answer.success) throw new SettingsError('AWS STS gave no credentials', 'provider-down')
  const { AccessKeyId, SecretAccessKey, SessionToken } =
    answer.data.AssumeRoleWithWebIdentityResponse.AssumeRoleWithWebIdentityResult.Credentials
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken }
}

async function readToken(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new SettingsError(`the token of the pod can not be read: ${messageOf(error)}`)
  }
}

/** The address holds a token: no message shows it. */
async function fetchJson(asking: Asking, title: string, url: string, headers: Readonly<Record<string, string>>) {
  const answer = await asking.exchange({ method: 'GET', url, headers }, asking.signal)
  if (!answer.ok) throw new SettingsError(`${title}: ${answer.error.message}`, answer.error.kind)
  const { status, body } = answer.value
  if (status !== 200) throw new SettingsError(`${title}: ${describeRefusal(status, undefined)}`, kindOfRefusal(status))
  return parseJson(body)
}
