import { type ConfigMap, configMapKind, type Secret, secretKind } from '../../api/index.ts'
import { isRecord, parseJson } from '../../base/index.ts'
import { isLostRace, type KubeClient } from '../../kube/index.ts'
import { type AuthorityFiles, createSelfSignedAuthority, type RetiringRoot } from '../ca/index.ts'
import { rootsKey, rootsName } from '../model/index.ts'

/** Where users put an authority of their own: Istio's name, and Istio's keys. */
const givenName = 'cacerts'
const ownName = 'istio-ca-secret'
const retiringKey = 'retiring-roots.json'

export interface LoadedAuthority {
  /** For people: `Secret istio-system/cacerts`. */
  readonly source: string
  readonly isOwn: boolean
  readonly files: Partial<AuthorityFiles>
}

/** Keeps the authority in the API: the keys in a Secret, the roots that count in a ConfigMap. */
export interface AuthorityStore {
  /** The one that was given, else the mesh's own, which is made when there is none. */
  load(now: number): Promise<LoadedAuthority>
  /** Puts a new authority in the place of the mesh's own. */
  renew(now: number): Promise<void>
  /** The roots that counted besides; those that somebody was just exchanging count until then. */
  loadRetiring(untilMs: number): Promise<readonly RetiringRoot[]>
  saveRoots(bundle: string, retiring: readonly RetiringRoot[]): Promise<void>
}

export type StoreClient = Pick<KubeClient, 'get' | 'create' | 'replace'>

export function createAuthorityStore(client: StoreClient, namespace: string): AuthorityStore {
  const read = (name: string) => client.get(secretKind, { namespace, name })
  const loaded = (secret: Secret, isOwn: boolean): LoadedAuthority => ({
    source: `Secret ${namespace}/${secret.metadata.name}`,
    isOwn,
    files: decode(secret),
  })
  return {
    async load(now) {
      const given = await read(givenName)
      if (given !== undefined) return loaded(given, false)
      const own = await read(ownName)
      if (own !== undefined) return loaded(own, true)
      const made = secretOf(namespace, await createSelfSignedAuthority(now))
      await unlessThere(client.create(secretKind, made))
      return loaded((await read(ownName)) ?? made, true)
    },
    async renew(now) {
      const own = await read(ownName)
      if (own === undefined) return
      const { data } = secretOf(namespace, await createSelfSignedAuthority(now))
      await unlessThere(client.replace(secretKind, { ...own, ...(data === undefined ? {} : { data }) }))
    },
    async loadRetiring(untilMs) {
      const { data = {} } = (await client.get(configMapKind, { namespace, name: rootsName })) ?? {}
      const retiring = parseRetiring(data[retiringKey])
      // What another mesh has published is none of ours.
      const published = data[retiringKey] === undefined ? [] : (data[rootsKey]?.match(certificatePattern) ?? [])
      const known = new Set(retiring.map(({ root }) => root))
      return [...retiring, ...published.filter((root) => !known.has(root)).map((root) => ({ root, untilMs }))]
    },
    async saveRoots(bundle, retiring) {
      const data = { [rootsKey]: bundle, [retiringKey]: JSON.stringify(retiring) }
      const known = await client.get(configMapKind, { namespace, name: rootsName })
      // Of several replicas each says by its own clock until when: the first word stays.
      if (known?.data?.[rootsKey] === bundle && haveSameRoots(parseRetiring(known.data[retiringKey]), retiring)) return
      await unlessThere(
        known === undefined
          ? client.create(configMapKind, configMapOf(namespace, data))
          : client.replace(configMapKind, { ...known, data }),
      )
    },
  }
}

const certificatePattern = /-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n?/g

const haveSameRoots = (left: readonly RetiringRoot[], right: readonly RetiringRoot[]): boolean =>
  left.length === right.length && left.every(({ root }) => right.some((other) => other.root === root))

const decode = ({ data = {} }: Secret): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))

const secretOf = (namespace: string, files: AuthorityFiles): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: ownName, namespace },
  type: 'istio.io/ca-root',
  data: Object.fromEntries(
    Object.entries(files).map(([key, value]: [string, string]) => [key, Buffer.from(value).toString('base64')]),
  ),
})

const configMapOf = (namespace: string, data: Readonly<Record<string, string>>): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: rootsName, namespace },
  data,
})

/** Another replica was faster: what it wrote is read next. */
async function unlessThere(write: Promise<unknown>): Promise<void> {
  try {
    await write
  } catch (error) {
    if (!isLostRace(error)) throw error
  }
}

function parseRetiring(text: string | undefined): readonly RetiringRoot[] {
  const parsed = parseJson(text ?? '[]')
  return Array.isArray(parsed) ? parsed.filter(isRetiring) : []
}

const isRetiring = (value: unknown): value is RetiringRoot =>
  isRecord(value) && typeof value.root === 'string' && typeof value.untilMs === 'number'
