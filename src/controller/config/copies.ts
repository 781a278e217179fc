import { createHash } from 'node:crypto'
import {
  type Canary,
  type ConfigMap,
  configMapKind,
  type KubernetesObject,
  type PodTemplate,
  type ResourceKind,
  type Secret,
  secretKind,
} from '../../api/index.ts'
import { type KubeClient, KubeError } from '../../kube/index.ts'
import { handOver, isOwned, marksOf } from '../../traffic/index.ts'
import type { Workload } from '../workload/workload.ts'
import { type ConfigReference, configKeyOf, configKinds, configReferencesOf, renameConfigs } from './references.ts'
import { ABSENT, type ConfigTracker, hashOf, type TrackedConfig, type TrackedConfigs } from './tracker.ts'

const kinds = { ConfigMap: configMapKind, Secret: secretKind } as const

const LONGEST_NAME = 253
const HASH_LENGTH = 10

/** Each content has its own copy: pods of an older template keep theirs, and Canaries that share an original share no copy. */
export function copyNameOf(canary: Canary, { kind, name, hash }: TrackedConfig): string {
  const suffix = `-primary-${hash === ABSENT ? ABSENT : shortHash(`${canary.metadata.name}/${kind}/${hash}`)}`
  return `${name.slice(0, LONGEST_NAME - suffix.length).replace(/[-.]+$/, '')}${suffix}`
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH)

/** The template as the primary runs it: with copies in place of what it reads. */
export const withCopies = (canary: Canary, template: PodTemplate, configs: TrackedConfigs): PodTemplate =>
  renameConfigs(template, (reference) => {
    const tracked = configs.get(configKeyOf(reference))
    return tracked === undefined ? reference.name : copyNameOf(canary, tracked)
  })

export interface CopyOptions {
  readonly client: KubeClient
  readonly configs: ConfigTracker
}

/** Makes the copies that the primary is about to read. Throws where an original has changed since it was hashed. */
export async function createCopies(
  { client, configs }: CopyOptions,
  canary: Canary,
  tracked: TrackedConfigs,
): Promise<void> {
  const { namespace } = canary.metadata
  for (const config of tracked.values()) {
    const name = copyNameOf(canary, config)
    if (config.hash === ABSENT || configs.metadataOf(config.kind)?.get({ namespace, name }) !== undefined) continue
    const original = await configs.read(namespace, config)
    if (original === undefined || hashOf(original) !== config.hash) throw changedMeanwhile(config)
    await client
      .create<ConfigMap | Secret>(kinds[config.kind], renderCopy(canary, original, name))
      .catch(ignoreExisting)
  }
}

const changedMeanwhile = ({ kind, name }: ConfigReference): Error =>
  new Error(`${kind} ${name} has changed since its revision was computed: looking again`)

function ignoreExisting(error: unknown): void {
  if (!(error instanceof KubeError && error.reason === 'AlreadyExists')) throw error
}

/** Labels stay behind: GitOps tools prune what carries theirs and is in no repository. */
function renderCopy(canary: Canary, original: ConfigMap | Secret, name: string): ConfigMap | Secret {
  const { apiVersion, kind, metadata, data } = original
  const type = 'type' in original ? original.type : undefined
  const binaryData = 'binaryData' in original ? original.binaryData : undefined
  return {
    apiVersion,
    kind,
    metadata: { name, ...(metadata.namespace && { namespace: metadata.namespace }), annotations: marksOf(canary) },
    ...(type && { type }),
    ...(data && { data }),
    ...(binaryData && { binaryData }),
    immutable: true,
  }
}

/** Copies that neither the primary nor a promotion that is on its way reads. */
export function surplusCopies(
  configs: ConfigTracker,
  canary: Canary,
  primary: Workload | undefined,
): readonly KubernetesObject[] {
  if (primary === undefined) return []
  const read = new Set(configReferencesOf(primary.spec.template).map(configKeyOf))
  return copiesOf(configs, canary).filter(({ kind, metadata }) => !read.has(`${kind}/${metadata.name}`))
}

export async function deleteCopies(client: KubeClient, copies: readonly KubernetesObject[]): Promise<void> {
  for (const copy of copies) {
    const { namespace, name, uid } = copy.metadata
    await client.delete(kindOf(copy), { namespace, name }, uid === undefined ? {} : { uid })
  }
}

const kindOf = ({ kind }: KubernetesObject): ResourceKind => (kind === 'Secret' ? secretKind : configMapKind)

/** The primary's pods read them to their end: they are collected with the Canary. */
export async function handOverCopies({ client, configs }: CopyOptions, canary: Canary): Promise<void> {
  for (const copy of copiesOf(configs, canary)) {
    const metadata = handOver(copy, canary)?.metadata
    if (metadata === undefined) continue
    const { namespace, name, ownerReferences } = metadata
    await client.patch(kindOf(copy), { namespace, name }, { metadata: { ownerReferences } }, { type: 'merge' })
  }
}

const copiesOf = (configs: ConfigTracker, canary: Canary): readonly KubernetesObject[] =>
  configKinds
    .flatMap((kind) => configs.metadataOf(kind)?.list(canary.metadata.namespace) ?? [])
    .filter((object) => isOwned(object, canary) && NAME_OF_COPY.test(object.metadata.name))

const NAME_OF_COPY = new RegExp(`-primary-[0-9a-f]{${HASH_LENGTH}}$`)
