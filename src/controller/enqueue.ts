import {
  type Canary,
  type EndpointSlice,
  type KubernetesObject,
  type Phase,
  serviceKind,
  serviceNameLabel,
} from '../api/index.ts'
import type { ObjectRef, WorkQueue } from '../kube/index.ts'
import { serviceNamesOf } from '../traffic/index.ts'
import { type ConfigReference, configKinds, configReferencesOf } from './config/references.ts'
import type { LocalCopies } from './local-copies.ts'
import type { Use } from './users.ts'
import { findTarget, workloadOf } from './workload/workload.ts'

export const keyOf = ({ metadata }: { readonly metadata: ObjectRef }): string =>
  `${metadata.namespace ?? ''}/${metadata.name}`

export function parseKey(key: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = ''] = key.split('/')
  return { namespace, name }
}

const phasesAtRest: readonly (Phase | undefined)[] = [undefined, '', 'Initialized', 'Succeeded', 'Failed']

/** What has begun may have to be taken back, and is brought to its end before others begin. */
export const isUnderWay = (canary: Canary | undefined): boolean =>
  canary !== undefined && !phasesAtRest.includes(canary.status?.phase)

/** Puts every Canary that a change may concern into the queue: once for each, own writes as soon as they are made. */
export function enqueueOnChange(copies: LocalCopies, queue: Pick<WorkQueue, 'add'>): void {
  const add = (canaries: readonly Canary[]): void => {
    for (const canary of canaries) queue.add(keyOf(canary))
  }
  const addUsers =
    (use: Use) =>
    ({ metadata }: KubernetesObject): void =>
      add(copies.usersOf(use, metadata))

  copies.canaries.onNews((canary) => queue.add(keyOf(canary)))
  // Another Canary of the same workload may have to stand back now, or may go on.
  copies.canaries.onChange((current, previous) => {
    const changed = current ?? previous
    const isOther = current === undefined || previous === undefined
    if (changed !== undefined && isOther) add(sharersOf(copies, changed))
  })
  copies.rivals?.onChange(onEither((rival) => add(sharersOf(copies, rival))))
  copies.deployments.onNews(addUsers('workload'))
  copies.daemonSets.onNews(addUsers('workload'))
  copies.services.onNews(addUsers('service'))
  copies.virtualServices.onNews(addUsers('service'))
  copies.destinationRules.onNews(addUsers('service'))
  copies.endpointSlices.onNews((slice) => add(releasersOf(copies, slice)))
  copies.runs.onNews(({ metadata: { namespace }, spec }) =>
    queue.add(keyOf({ metadata: { namespace, name: spec.canary } })),
  )
  for (const [kind, watch] of Object.entries(copies.autoscalers)) {
    const isOfKind = ({ spec }: Canary) => spec.autoscalerRef?.kind === kind
    watch.onNews(({ metadata }) => add(copies.usersOf('autoscaler', metadata).filter(isOfKind)))
  }
  for (const kind of configKinds) {
    const readers = ({ metadata: { namespace, name } }: KubernetesObject) =>
      copies.canaries.list(namespace).filter((canary) => readsConfig(copies, canary, { kind, name }))
    copies.configs.metadataOf(kind)?.onNews((object) => add(readers(object)))
  }
  for (const templates of [copies.templates, copies.clusterTemplates]) templates.onNews(addUsers('template'))
}

/** A change as its newest object says it; of one that is gone, the last. */
const onEither =
  <T>(handle: (object: T) => void) =>
  (current: T | undefined, previous: T | undefined): void => {
    const object = current ?? previous
    if (object !== undefined) handle(object)
  }

/** Canaries of a Service whose copies these endpoints are of. */
function releasersOf(copies: LocalCopies, { metadata: { namespace, labels } }: EndpointSlice): readonly Canary[] {
  const name = labels?.[serviceNameLabel] ?? ''
  return copies
    .usersOf('service', { namespace, name })
    .filter(({ spec }) => spec.targetRef.kind === serviceKind.kind && serviceNamesOf({ spec }).apex !== name)
}

const sharersOf = (copies: LocalCopies, { metadata, spec }: Canary): readonly Canary[] =>
  copies
    .usersOf('target', { namespace: metadata.namespace, name: spec.targetRef.name })
    .filter((other) => other.metadata.uid !== metadata.uid)

function readsConfig(copies: LocalCopies, canary: Canary, { kind, name }: ConfigReference): boolean {
  const target = workloadOf(findTarget(copies, canary))
  const references = target === undefined ? [] : configReferencesOf(target.spec.template)
  return references.some((each) => each.kind === kind && each.name === name)
}
