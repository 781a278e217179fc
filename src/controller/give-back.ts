import {
  type Canary,
  type EndpointSlice,
  endpointSliceKind,
  namespaceKind,
  type Service,
  serviceKind,
  serviceNameLabel,
} from '../api/index.ts'
import type { DeletionFacts, Observation } from '../canary/index.ts'
import { type KubeClient, KubeError } from '../kube/index.ts'
import { disown, foreignOwner, handOver, isControlled, isOwned, serviceNamesOf } from '../traffic/index.ts'
import { autoscalerOf, handOverAutoscaler } from './autoscaler/perform.ts'
import { handOverCopies } from './config/copies.ts'
import { isDeleted } from './finalizer.ts'
import type { LocalCopies } from './local-copies.ts'
import type { Gathered } from './observe.ts'
import { countPods, listPods } from './pods.ts'
import { withoutRecord } from './service-record.ts'
import { hasReadyEndpoint } from './service-target/facts.ts'
import { planServices } from './services.ts'
import { confirmTarget } from './staleness.ts'
import { primaryNameOf } from './workload/primary.ts'
import { selectorLabelOf } from './workload/selector-label.ts'
import { kindOf, overlayWorkload, type Workload, workloadOf } from './workload/workload.ts'

export interface GiveBackOptions {
  readonly client: KubeClient
  readonly copies: LocalCopies
}

/** What a deleted Canary must know more than a living one; empty for that. */
export async function observeDeletion(
  options: GiveBackOptions,
  gathered: Gathered,
  isAlertDue: boolean,
): Promise<Pick<Observation, 'deletion'> & { readonly target?: undefined }> {
  const { canary } = gathered.observation
  if (!isDeleted(canary)) return {}
  const apex = apexFacts(gathered, findApex(options.copies, canary))
  const target = workloadOf(gathered.target)
  const [isNamespaceGoing, endpoints, pods] = await Promise.all([
    isGoing(options.client, canary),
    endpointFacts(options, canary, apex),
    target && listPods(options.client, target),
  ])
  const deletion = {
    isNamespaceGoing,
    apex,
    pods: target && pods && countPods(target, pods),
    ...endpoints,
    route: routeFacts(gathered),
    isAlertDue,
  }
  const isTargetGoing = gathered.target?.metadata.deletionTimestamp !== undefined
  return { deletion, ...(isTargetGoing ? { target: undefined } : {}) }
}

/** The apex Service goes on without the Canary, with the workload's pods. */
export async function releaseApex({ client, copies }: GiveBackOptions, gathered: Gathered): Promise<void> {
  const { observation } = gathered
  const target = workloadOf(gathered.target)
  const apex = findApex(copies, observation.canary)
  if (apex === undefined || target === undefined || apexFacts(gathered, apex) !== 'held') return
  await confirmTarget({ client }, gathered)
  const released = disown(
    withoutRecord({ ...apex, spec: { ...apex.spec, selector: selectorOf(target) } }),
    observation.canary,
  )
  copies.services.overlay(await client.replace(serviceKind, released))
}

/** Nobody is served by them any more: they are collected when the Canary is gone. */
export async function handOverObjects(options: GiveBackOptions, gathered: Gathered): Promise<void> {
  const { client, copies } = options
  const { observation, router } = gathered
  const { canary } = observation
  const { namespace } = canary.metadata
  for (const name of Object.values(serviceNamesOf(canary))) {
    const service = handOver(copies.services.get({ namespace, name }), canary)
    if (service) copies.services.overlay(await client.replace(serviceKind, service))
  }
  await router.handOver(canary)
  await handOverAutoscaler(autoscalerOf(options, gathered))
  await handOverCopies({ client, configs: copies.configs }, canary)
  const workload = handOver(workloadOf(gathered.primary), canary)
  if (workload) overlayWorkload(copies, await client.replace(kindOf(workload), workload))
}

const findApex = (copies: LocalCopies, canary: Canary): Service | undefined =>
  copies.services.get({ namespace: canary.metadata.namespace, name: serviceNamesOf(canary).apex })

function apexFacts({ observation, ...gathered }: Gathered, apex: Service | undefined): DeletionFacts['apex'] {
  const { canary } = observation
  // A Service that is released is the user's own, and leads to the new version as it is.
  if (canary.spec.targetRef.kind === serviceKind.kind) return 'none'
  const target = workloadOf(gathered.target)
  if (apex === undefined || foreignOwner(apex, canary) !== undefined) return 'none'
  const selects = target && planServices(canary, target)?.apex.selects
  const isOnPrimary = selects !== undefined && apex.spec.selector?.[selects.key] === selects.value
  const goesWithCanary = isOwned(apex, canary) || isControlled(apex, canary)
  return isOnPrimary || goesWithCanary ? 'held' : 'released'
}

/** Pods always have the labels of their template, whatever it is that their workload selects them by. */
function selectorOf(target: Workload): Readonly<Record<string, string>> {
  const label = selectorLabelOf(target)
  return label === undefined ? (target.spec.template.metadata?.labels ?? {}) : { [label.key]: label.value }
}

const routeFacts = ({ route }: Gathered): DeletionFacts['route'] => (route.foreign === undefined ? route.hold : 'none')

/** Everything in a namespace that is deleted goes, the workload too: holding on would only hang it. */
async function isGoing(client: KubeClient, { metadata }: Canary): Promise<boolean> {
  const namespace = await client.get(namespaceKind, { name: metadata.namespace ?? '' }).catch(unknownIfForbidden)
  return namespace?.metadata.deletionTimestamp !== undefined
}

/** Without the permission it hangs no more than its workload does. */
function unknownIfForbidden(error: unknown): undefined {
  if (error instanceof KubeError && error.reason === 'Forbidden') return undefined
  throw error
}

type EndpointFacts = Pick<DeletionFacts, 'areEndpointsReady' | 'areEndpointsMoved'>

/**
 * A selector counts when the endpoints follow it: until then clients still call the primary by the apex Service, and a
 * Service whose pods nobody has told of yet leads nowhere.
 */
async function endpointFacts(
  { client, copies }: GiveBackOptions,
  canary: Canary,
  apex: DeletionFacts['apex'],
): Promise<EndpointFacts> {
  const { targetRef } = canary.spec
  if (targetRef.kind === serviceKind.kind) return { areEndpointsReady: true, areEndpointsMoved: true }
  const { namespace } = canary.metadata
  const names = serviceNamesOf(canary)
  const slicesOf = async (name: string) => {
    const labelSelector = `${serviceNameLabel}=${name}`
    return (await client.list(endpointSliceKind, { namespace, labelSelector })).items
  }
  const [ofWorkload, ofApex] = await Promise.all([slicesOf(names.canary), slicesOf(names.apex)])
  const service = copies.services.get({ namespace, name: names.canary })
  // Whether a Service of somebody else leads anywhere is nobody's business here.
  const isOwn = service !== undefined && foreignOwner(service, canary) === undefined
  return {
    areEndpointsReady: !isOwn || hasReadyEndpoint(ofWorkload),
    areEndpointsMoved:
      (apex === 'none' || hasReadyEndpoint(ofApex)) && !ofApex.some((slice) => leadsTo(slice, primaryNameOf(canary))),
  }
}

/** The names of its pods begin with that of the workload. */
const leadsTo = ({ endpoints }: EndpointSlice, workload: string): boolean =>
  (endpoints ?? []).some(({ targetRef }) => targetRef?.name?.startsWith(`${workload}-`) === true)
