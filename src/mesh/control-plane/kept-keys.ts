import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type ConfigMap, configMapKind } from '../../api/index.ts'
import { canonicalJson, parseJson } from '../../base/index.ts'
import { isLostRace, type KubeClient } from '../../kube/index.ts'
import { type Logger, messageOf } from '../../runtime/index.ts'
import { isKeySet } from '../istio/index.ts'

/** A JSON Web Key Set and the address that it was fetched from. */
type KeptKey = readonly [address: string, jwks: string]

/** Keeps the keys that were fetched last: a control plane that starts while an issuer is down still knows them. */
export interface KeptKeys {
  /** None where they cannot be read. */
  load(): Promise<readonly KeptKey[]>
  /** Takes the place of what was kept before, where that is something else; tried again the next time. */
  save(keys: readonly KeptKey[]): Promise<void>
}

export interface KeptKeysOptions {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>
  readonly namespace: string
  readonly log: Logger
}

const name = 'sluice-mesh-jwks'

/** In a ConfigMap of the mesh's own: the keys are public, and who may write there could exchange its roots as well. */
export function createKeptKeys({ client, namespace, log }: KeptKeysOptions): KeptKeys {
  const read = () => client.get(configMapKind, { namespace, name })
  let written: string | undefined

  const write = async (data: NonNullable<ConfigMap['data']>): Promise<void> => {
    const known = await read()
    if (known !== undefined) await client.replace(configMapKind, { ...known, data })
    else if (Object.keys(data).length > 0)
      await client.create(configMapKind, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data })
  }

  return {
    async load() {
      try {
        const { data = {} } = (await read()) ?? {}
        written = canonicalJson(data)
        return Object.values(data).flatMap(parseEntry)
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'the keys of token issuers that were fetched before are not known')
        return []
      }
    },
    async save(keys) {
      const data = Object.fromEntries(
        keys.map(([address, jwks]) => [keyOf(address), JSON.stringify({ address, jwks })]),
      )
      if (written === canonicalJson(data)) return
      try {
        await write(data)
        written = canonicalJson(data)
      } catch (error) {
        // Another replica was faster: it has fetched the same.
        if (!isLostRace(error))
          log.warn({ error: messageOf(error) }, 'fetched keys are not kept for the next start yet')
      }
    },
  }
}

/** An address has letters that no key of a ConfigMap may have. */
const keyOf = (address: string): string => createHash('sha256').update(address).digest('hex').slice(0, 16)

const entrySchema = z.object({ address: z.string(), jwks: z.string().refine(isKeySet) })

/** What somebody else wrote is not believed to be keys. */
function parseEntry(text: string): readonly KeptKey[] {
  const entry = entrySchema.safeParse(parseJson(text))
  return entry.success ? [[entry.data.address, entry.data.jwks]] : []
}
