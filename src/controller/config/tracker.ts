import { createHash } from 'node:crypto'
import {
  type ConfigMap,
  configMapKind,
  type KubernetesObject,
  type PodTemplate,
  type Secret,
  secretKind,
} from '../../api/index.ts'
import { canonicalJson } from '../../base/index.ts'
import { createReflector, type KubeClient, type Reflector, type ReflectorOptions } from '../../kube/index.ts'
import { type ConfigReference, configKeyOf, configReferencesOf } from './references.ts'

/** Whose changes are releases. */
export interface ConfigTracking {
  readonly configMaps: boolean
  readonly secrets: boolean
}

/** What a template reads, by `kind/name`: a hash of the content, or `absent`. What is not tracked is not in it. */
export type TrackedConfigs = ReadonlyMap<string, TrackedConfig>

export interface TrackedConfig extends ConfigReference {
  readonly hash: string
}

export const ABSENT = 'absent'

export interface ConfigTracker {
  /** Asks the API server for what has changed since it was last hashed, and for nothing else. */
  track(namespace: string | undefined, template: PodTemplate): Promise<TrackedConfigs>
  /** The content itself, as it is now. */
  read(namespace: string | undefined, reference: ConfigReference): Promise<ConfigMap | Secret | undefined>
  /** Metadata of the objects of a kind; undefined for a kind that is not tracked. */
  metadataOf(kind: ConfigReference['kind']): Reflector<KubernetesObject> | undefined
}

export type ConfigTrackerOptions = Omit<ReflectorOptions<KubernetesObject>, 'kind' | 'client' | 'metadataOnly'> & {
  readonly client: Pick<KubeClient, 'get' | 'list' | 'watch'>
  readonly tracking: ConfigTracking
}

/** Only metadata are watched: the contents of a cluster's Secrets are nothing to keep in memory. */
export function createConfigTracker({ tracking, ...options }: ConfigTrackerOptions): ConfigTracker {
  const watched = {
    ConfigMap: tracking.configMaps
      ? createReflector({ ...options, kind: configMapKind, metadataOnly: true })
      : undefined,
    Secret: tracking.secrets ? createReflector({ ...options, kind: secretKind, metadataOnly: true }) : undefined,
  }
  const hashes = new Map<string, { readonly version: string; readonly hash: string | undefined }>()

  const read: ConfigTracker['read'] = (namespace, { kind, name }) =>
    options.client.get<ConfigMap | Secret>(kind === 'ConfigMap' ? configMapKind : secretKind, { namespace, name })

  const hashNow = async (namespace: string | undefined, reference: ConfigReference): Promise<string | undefined> => {
    const found = watched[reference.kind]?.get({ namespace, name: reference.name })
    if (found === undefined) return ABSENT
    if (isOptedOut(found)) return undefined
    const key = `${namespace}/${configKeyOf(reference)}`
    const version = `${found.metadata.uid}/${found.metadata.resourceVersion}`
    const known = hashes.get(key)
    if (known?.version === version) return known.hash
    const object = await read(namespace, reference)
    if (object === undefined) return ABSENT
    const hash = isOptedOut(object) || isOfKubernetes(object) ? undefined : hashOf(object)
    hashes.set(key, { version: `${object.metadata.uid}/${object.metadata.resourceVersion}`, hash })
    return hash
  }

  for (const [kind, reflector] of Object.entries(watched)) {
    reflector?.onChange((current, previous) => {
      const { namespace, name } = previous?.metadata ?? {}
      if (current === undefined) hashes.delete(`${namespace}/${kind}/${name}`)
    })
  }

  return {
    read,
    metadataOf: (kind) => watched[kind],
    async track(namespace, template) {
      const references = configReferencesOf(template).filter(
        (reference) => watched[reference.kind] !== undefined && !ISSUED.includes(reference.name),
      )
      const found = await Promise.all(
        references.map(async (reference) => ({ reference, hash: await hashNow(namespace, reference) })),
      )
      return new Map(
        found.flatMap(({ reference, hash }) =>
          hash === undefined ? [] : [[configKeyOf(reference), { ...reference, hash }]],
        ),
      )
    },
  }
}

/** Put into every namespace by the cluster itself, and rotated by it. */
const ISSUED: readonly string[] = ['kube-root-ca.crt', 'istio-ca-root-cert', 'openshift-service-ca.crt']

const OPT_OUT = ['sluice.dev/config-tracking', 'flagger.app/config-tracking'] as const

const isOptedOut = ({ metadata }: KubernetesObject): boolean =>
  OPT_OUT.some((key) => metadata.annotations?.[key] === 'disabled' || metadata.labels?.[key] === 'disabled')

/** Tokens are bound to their Secret: a copy would be worth nothing. */
const isOfKubernetes = (object: ConfigMap | Secret): boolean =>
  'type' in object && object.type === 'kubernetes.io/service-account-token'

/** Of everything that a pod can read of it, and nothing else. */
export function hashOf(object: ConfigMap | Secret): string {
  const { data = {} } = object
  const binaryData = 'binaryData' in object ? object.binaryData : undefined
  return createHash('sha256').update(canonicalJson({ data, binaryData })).digest('hex')
}
