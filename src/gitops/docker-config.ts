import { z } from 'zod'
import type { Secret } from '../api/index.ts'
import { failure, parseJson, type Result, success } from '../base/index.ts'

export interface RegistryCredentials {
  readonly username: string
  readonly password: string
}

const configSchema = z.object({
  auths: z.record(
    z.string(),
    z.object({ username: z.string().optional(), password: z.string().optional(), auth: z.string().optional() }),
  ),
})

/** What a Secret of type kubernetes.io/dockerconfigjson holds for a registry. Messages never quote its content. */
export function readDockerConfig(secret: Secret, registry: string): Result<RegistryCredentials> {
  const where = `Secret ${secret.metadata.name}`
  const encoded = secret.data?.['.dockerconfigjson']
  if (encoded === undefined) {
    return failure(`${where} has no key .dockerconfigjson; make it with kubectl create secret docker-registry`)
  }
  const config = parseConfig(encoded)
  if (config === undefined) return failure(`${where}: .dockerconfigjson is not a Docker configuration with "auths"`)
  const entry = Object.entries(config.auths).find(([server]) => hostOf(server) === hostOf(registry))?.[1]
  if (entry === undefined) return failure(`${where} has no entry for registry ${registry}`)
  const credentials = credentialsOf(entry)
  return credentials === undefined
    ? failure(`${where}: the entry for registry ${registry} has no username and password`)
    : success(credentials)
}

const parseConfig = (encoded: string): z.infer<typeof configSchema> | undefined =>
  configSchema.safeParse(parseJson(Buffer.from(encoded, 'base64').toString('utf8'))).data

/** Docker writes its own registry as https://index.docker.io/v1/, and others with or without scheme and path. */
function hostOf(server: string): string {
  const [host = ''] = server.replace(/^https?:\/\//, '').split('/', 1)
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host
}

function credentialsOf(entry: z.infer<typeof configSchema>['auths'][string]): RegistryCredentials | undefined {
  if (entry.username && entry.password) return { username: entry.username, password: entry.password }
  const [username, ...rest] = Buffer.from(entry.auth ?? '', 'base64')
    .toString('utf8')
    .split(':')
  const password = rest.join(':')
  return username && password ? { username, password } : undefined
}
