import { type Deployment, deploymentKind, type ImagePolicy, secretKind } from '../api/index.ts'
import { type Result, success } from '../base/index.ts'
import { type KubeClient, KubeError } from '../kube/index.ts'
import type { Clock } from '../runtime/index.ts'
import { type RegistryCredentials, readDockerConfig } from './docker-config.ts'
import { type Finding, imagePolicyReasons as reasons } from './image-policy-status.ts'
import { parseRepository, type Repository } from './image-reference.ts'
import { type ImageChange, planImageUpdate } from './image-update.ts'
import type { ListTags } from './registry-client.ts'
import { RegistryError } from './registry-error.ts'
import { selectTag } from './select-tag.ts'

export interface PollTools {
  readonly client: Pick<KubeClient, 'get' | 'patch'>
  readonly clock: Clock
  readonly listTags: ListTags
}

export interface PollResult {
  readonly finding: Finding
  /** Images that were set. */
  readonly changes: readonly ImageChange[]
  /** The registry asked to be left alone for this long. */
  readonly retryAfterMs?: number | undefined
}

/** Asks the registry of a policy once and brings its target to the newest tag in the range. */
export async function pollPolicy(tools: PollTools, policy: ImagePolicy, signal: AbortSignal): Promise<PollResult> {
  const { spec } = policy
  const repository = parseRepository(spec.image)
  if (!repository.ok) return failing(reasons.invalidSpec, repository.error)
  // Asked of no tags, it says whether the range can be read, before anybody is bothered.
  const range = selectTag([], spec.semver.range)
  if (!range.ok) return failing(reasons.invalidSpec, range.error)
  const credentials = await readCredentials(tools, policy, repository.value)
  if (!credentials.ok) return failing(reasons.credentialsInvalid, credentials.error)
  try {
    const question = { repository: repository.value, credentials: credentials.value, insecure: spec.insecure }
    const tags = await tools.listTags(question, signal)
    return await takeTags(tools, policy, repository.value, tags)
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    return { ...failing(error.reason, error.message), retryAfterMs: error.retryAfterMs }
  }
}

const failing = (reason: string, message: string, found: Partial<Finding> = {}): PollResult => ({
  finding: { ready: 'False', reason, message, ...found },
  changes: [],
})

async function readCredentials(
  { client }: PollTools,
  { metadata, spec }: ImagePolicy,
  repository: Repository,
): Promise<Result<RegistryCredentials | undefined>> {
  if (spec.secretRef === undefined) return success(undefined)
  const { name } = spec.secretRef
  const secret = await client.get(secretKind, { namespace: metadata.namespace, name })
  if (secret === undefined) {
    return { ok: false, error: `Secret ${name} of spec.secretRef does not exist in namespace ${metadata.namespace}` }
  }
  return readDockerConfig(secret, repository.registry)
}

async function takeTags(
  tools: PollTools,
  policy: ImagePolicy,
  repository: Repository,
  tags: readonly string[],
): Promise<PollResult> {
  const polledAt = tools.clock.now()
  const { range } = policy.spec.semver
  const selected = selectTag(tags, range)
  if (!selected.ok) return failing(reasons.invalidSpec, selected.error, { polledAt })
  const tag = selected.value
  if (tag === undefined) {
    const message = `none of the ${tags.length} tags of ${policy.spec.image} is a version in the range ${range}`
    return failing(reasons.noMatchingTag, message, { polledAt })
  }
  return updateTarget(tools, policy, { repository, tag, found: { polledAt, latestTag: tag } })
}

async function updateTarget(
  { client }: PollTools,
  { metadata, spec }: ImagePolicy,
  chosen: { readonly repository: Repository; readonly tag: string; readonly found: Partial<Finding> },
): Promise<PollResult> {
  const ref = { namespace: metadata.namespace, name: spec.targetRef.name }
  const deployment = await client.get(deploymentKind, ref)
  if (deployment === undefined) {
    const message = `Deployment ${ref.name} does not exist in namespace ${ref.namespace}; check spec.targetRef.name`
    return failing(reasons.targetNotFound, message, chosen.found)
  }
  const update = planImageUpdate(deployment, spec, chosen)
  if (!update.ok) return failing(reasons.containerNotFound, update.error, chosen.found)
  const { changes, patch } = update.value
  const refusal = changes.length === 0 ? undefined : await patchImages(client, deployment, patch)
  if (refusal !== undefined) return failing(reasons.updateFailed, refusal, chosen.found)
  const message = `Deployment ${ref.name} is set to ${spec.image}:${chosen.tag}`
  return { finding: { ready: 'True', reason: reasons.upToDate, message, ...chosen.found }, changes }
}

/** The refusal in words, if there was one: an admission webhook's no must be seen, and must not end the polling. */
async function patchImages(
  client: PollTools['client'],
  { metadata }: Deployment,
  patch: readonly object[],
): Promise<string | undefined> {
  try {
    await client.patch(deploymentKind, metadata, patch, { type: 'json' })
    return undefined
  } catch (error) {
    if (error instanceof KubeError) return error.message
    throw error
  }
}
