import {
  type Canary,
  type CanaryRun,
  canaryKind,
  canaryRunKind,
  endpointSliceKind,
  type KubernetesObject,
  type ResourceKind,
  serviceNameLabel,
} from '../api/index.ts'
import { revisionOfService, type Traffic } from '../canary/index.ts'
import { isNewer, type KubeClient, KubeError } from '../kube/index.ts'
import { isDeleted } from './finalizer.ts'
import type { LocalCopies } from './local-copies.ts'
import type { Gathered } from './observe.ts'
import { hasReadyEndpoint } from './service-target/facts.ts'
import { hasReadyPods } from './workload/facts.ts'
import { isService, kindOf, type Target } from './workload/workload.ts'

export interface StalenessOptions {
  readonly client: Pick<KubeClient, 'get' | 'list'>
  readonly copies: LocalCopies
}

/**
 * Versions of the records that a route was decided on, such as `1042/1044` (Canary and CanaryRun). It is written on
 * the route, so that whoever knows an older record knows that it is behind.
 */
export const basisOf = (copies: LocalCopies, { metadata, status }: Canary): string => {
  const { namespace } = metadata
  const canary = copies.canaries.get(metadata)
  const name = canary?.status?.runName ?? status?.runName
  const run = name === undefined ? undefined : copies.runs.get({ namespace, name })
  return `${canary?.metadata.resourceVersion ?? ''}/${run?.metadata.resourceVersion ?? ''}`
}

/**
 * Throws a Conflict when a copy is older than what was decided already: a controller that lags behind another one, or
 * behind its predecessor, must not undo what those did. What looks stale is asked of the API server once, because an
 * object may also have been made anew, or restored from a backup.
 */
export async function refuseStale(
  options: StalenessOptions,
  gathered: Gathered,
  run: CanaryRun | undefined,
): Promise<void> {
  const { observation, target, route } = gathered
  const { canary } = observation
  const [canaryVersion, runVersion] = route.decidedAt?.split('/') ?? []
  if (isNewer(canaryVersion, canary.metadata.resourceVersion)) await confirm(options, canaryKind, canary)
  if (run === undefined) return confirmAbsence(options, canary)
  if (isNewer(runVersion, run.metadata.resourceVersion)) await confirm(options, canaryRunKind, run)
  if (target && isBefore(target, run.spec.target)) await confirm(options, kindOf(target), target)
}

/**
 * Whether the primary has ready pods decides whether it gets requests at all: a route that gives it its first or takes
 * its last is written on the API server's word.
 */
export async function confirmReadyPods(options: StalenessOptions, gathered: Gathered, traffic: Traffic): Promise<void> {
  const { primary, route, observation } = gathered
  const isForReadiness = route.traffic?.primary === 0 ? traffic.primary > 0 : traffic.primary === 0
  if (isForReadiness) await confirmReadiness(options, primary, observation.primary)
  if (traffic.canary === 0) await confirmRetreat(options, gathered)
  // Traffic that left while the primary is promoted did so because of the workload's pods, or of their template. A
  // deleted Canary's workload must not have been scaled down since.
  const isBack = isPromoted(gathered) && traffic.canary > (route.traffic?.canary ?? 0)
  const isGivenBack = isDeleted(observation.canary) && traffic.primary === 0
  if (isBack || isGivenBack) await confirmTarget(options, gathered)
}

const isPromoted = ({ observation }: Gathered): boolean =>
  observation.canary.status?.phase === 'Promoting' || observation.canary.status?.phase === 'Finalising'

/** A deleted Canary's workload loses its requests again only where it really has lost its pods. */
export async function confirmRetreat(options: StalenessOptions, { observation, target }: Gathered): Promise<void> {
  if (isDeleted(observation.canary)) await confirmReadiness(options, target, observation.target)
}

async function confirmReadiness(
  { client }: StalenessOptions,
  target: Target | undefined,
  known: { readonly readyReplicas: number } | undefined,
): Promise<void> {
  if (target === undefined) return
  const isUp = await hasReadyPodsNow(client, target)
  if (isUp !== (known?.readyReplicas ?? 0) > 0) throw stale(kindOf(target), target)
}

/** Undefined where it is gone. */
async function hasReadyPodsNow(client: StalenessOptions['client'], target: Target): Promise<boolean | undefined> {
  const { namespace, name } = target.metadata
  if (isService(target)) {
    if (target.spec.type === 'ExternalName') return true
    const labelSelector = `${serviceNameLabel}=${name}`
    return hasReadyEndpoint((await client.list(endpointSliceKind, { namespace, labelSelector })).items)
  }
  const current = await client.get(kindOf(target), { namespace, name })
  return current && !isService(current) ? hasReadyPods(current) : undefined
}

/** An operator's deletion that no watch has told of yet must not be undone. */
export async function confirmCanary(options: StalenessOptions, { metadata }: Canary): Promise<void> {
  const copy = options.copies.canaries.get(metadata)
  if (copy) await confirm(options, canaryKind, copy)
}

/** What is promoted is what was measured: a change that no watch has told of yet was measured in its place. */
export async function confirmTarget({ client }: Pick<StalenessOptions, 'client'>, { target }: Gathered): Promise<void> {
  if (target === undefined) return
  const { namespace, name } = target.metadata
  const current = await client.get(kindOf(target), { namespace, name })
  if (current === undefined || !isSameVersion(current, target)) throw stale(kindOf(target), target)
}

/** Only a first version is copied unseen: a record that there was one already must not be overlooked. */
export async function confirmFirst(options: StalenessOptions, { observation: { canary } }: Gathered): Promise<void> {
  if (canary.status?.phase === 'Initializing') await confirmCanary(options, canary)
}

/** A Service has no generation. */
function isSameVersion(one: Target, other: Target): boolean {
  if (one.metadata.uid !== other.metadata.uid) return false
  if (isService(one) || isService(other)) {
    return isService(one) && isService(other) && revisionOfService(one) === revisionOfService(other)
  }
  return one.metadata.generation === other.metadata.generation
}

const isBefore = ({ metadata }: KubernetesObject, seen: CanaryRun['spec']['target']): boolean =>
  seen !== undefined && metadata.uid === seen.uid && (metadata.generation ?? 0) < seen.generation

/** The status names a run that is in no list: either somebody deleted it, or the list is late. */
async function confirmAbsence({ client }: StalenessOptions, { metadata, status }: Canary): Promise<void> {
  if (status?.runName === undefined) return
  const found = await client.get(canaryRunKind, { namespace: metadata.namespace, name: status.runName })
  if (found) throw stale(canaryRunKind, found)
}

async function confirm<T extends KubernetesObject>(
  { client }: StalenessOptions,
  kind: ResourceKind<T>,
  copy: T,
): Promise<void> {
  const { namespace, name, resourceVersion } = copy.metadata
  const current = await client.get(kind, { namespace, name })
  if (current?.metadata.resourceVersion !== resourceVersion) throw stale(kind, copy)
}

/** The watch brings the newer one; until then the key comes again, later and later. */
const stale = ({ kind }: ResourceKind, { metadata }: KubernetesObject): KubeError =>
  new KubeError(`the copy of ${kind} ${metadata.namespace}/${metadata.name} is behind`, {
    code: 409,
    reason: 'Conflict',
    retry: 'later',
  })
