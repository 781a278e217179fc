import type { SecretReader } from '../analysis/index.ts'
import { secretKind } from '../api/index.ts'
import type { KubeClient } from '../kube/index.ts'

/** Secrets of templates, read when they are needed: no copy of a Secret is kept. */
export function createSecretReader(client: Pick<KubeClient, 'get'>): SecretReader {
  return {
    async read(ref) {
      const secret = await client.get(secretKind, ref)
      return secret && Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, value]) => [key, decode(value)]))
    },
  }
}

const decode = (value: string): string => Buffer.from(value, 'base64').toString('utf8')
