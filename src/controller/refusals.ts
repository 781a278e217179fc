import { type Canary, isOfFlagger } from '../api/index.ts'
import type { Cause } from '../canary/index.ts'
import { foreignOwner, type Provider, serviceNamesOf, type TrafficObservation } from '../traffic/index.ts'
import { findAutoscaler } from './autoscaler/observe.ts'
import type { LocalCopies } from './local-copies.ts'
import { findBadReference, type ReferencePolicy } from './references.ts'
import { primaryNameOf } from './workload/primary.ts'
import { selectorLabelOf } from './workload/selector-label.ts'
import { findTarget, serviceOf, type Target, workloadOf } from './workload/workload.ts'

export interface RefusalInput {
  readonly canary: Canary
  readonly target: Target | undefined
  readonly route: TrafficObservation
  readonly copies: LocalCopies
  readonly policy: ReferencePolicy
  readonly provider: Provider
}

/** Why this Canary's objects must not be touched; the first reason that holds. */
const refusals: readonly ((input: RefusalInput) => Cause | undefined)[] = [
  isStatefulSet,
  leadsNowhere,
  isDelegate,
  isClaimed,
  hasUnsupportedSelector,
  isOwnedByOther,
  hasNoAutoscaler,
  ({ canary, copies, policy }) => findBadReference(canary, copies, policy),
]

export function findRefusal(input: RefusalInput): Cause | undefined {
  for (const refusal of refusals) {
    const cause = refusal(input)
    if (cause) return cause
  }
  return undefined
}

/** Its pods have names and data of their own, which a copy has not: see docs/targets.md. */
function isStatefulSet({ canary }: RefusalInput): Cause | undefined {
  const { kind, name } = canary.spec.targetRef
  if (kind !== 'StatefulSet') return undefined
  const message = `StatefulSet ${name} cannot be released by a copy: its pods have names and data of their own; release a Deployment or a DaemonSet`
  return { reason: 'UnsupportedTarget', message }
}

/** Its copies would have no endpoints, or none that the proxies know. */
function leadsNowhere({ target, provider }: RefusalInput): Cause | undefined {
  const service = serviceOf(target)
  if (service === undefined) return undefined
  const { name } = service.metadata
  const refuse = (message: string): Cause => ({ reason: 'UnsupportedTarget', message: `Service ${name} ${message}` })
  if (service.spec.type === 'ExternalName') {
    return provider === 'mesh' ? refuse('leads out of the cluster, which the bundled mesh does not follow') : undefined
  }
  const isSelecting = Object.keys(service.spec.selector ?? {}).length > 0
  return isSelecting ? undefined : refuse('has no selector: its endpoints are written by hand, and a copy has none')
}

/** The bundled mesh joins no rules of two VirtualServices, so nobody would be led to this one. */
function isDelegate({ canary, provider }: RefusalInput): Cause | undefined {
  if (!canary.spec.service.delegation || provider !== 'mesh') return undefined
  const message =
    'spec.service.delegation: the bundled mesh knows no delegates; name hosts and gateways here, or set provider to istio'
  return { reason: 'InvalidCanary', message }
}

/** Two Canaries on one workload would undo each other's weights: the younger stands back. */
function isClaimed({ canary, copies }: RefusalInput): Cause | undefined {
  const { kind, name } = canary.spec.targetRef
  const { namespace, uid } = canary.metadata
  const ofTarget = { use: 'target', name } as const
  const ofServices = { use: 'apex', name: serviceNamesOf(canary).apex } as const
  const older = [ofTarget, ofServices]
    .flatMap(({ use, ...named }) =>
      [copies.usersOf, copies.rivalsOf].flatMap((find) => find(use, { namespace, ...named })),
    )
    .find((other) => other.metadata.uid !== uid && claims(other, canary) && isOlder(other, canary))
  if (older === undefined) return undefined
  const whose = isOfFlagger(older) ? ' of Flagger' : ''
  const message = `Canary ${older.metadata.name}${whose} releases ${kind} ${name} or its Services already: delete one of the two`
  return { reason: 'TargetClaimed', message }
}

const claims = (one: Canary, other: Canary): boolean =>
  (one.spec.targetRef.kind === other.spec.targetRef.kind && one.spec.targetRef.name === other.spec.targetRef.name) ||
  serviceNamesOf(one).apex === serviceNamesOf(other).apex

function isOlder(one: Canary, other: Canary): boolean {
  const ages = [one.metadata.creationTimestamp ?? '', other.metadata.creationTimestamp ?? ''] as const
  const ids = [one, other].map(({ metadata }) => `${metadata.name}/${metadata.uid}`) as [string, string]
  return ages[0] === ages[1] ? ids[0] < ids[1] : ages[0] < ages[1]
}

function hasUnsupportedSelector({ target }: RefusalInput): Cause | undefined {
  const workload = workloadOf(target)
  if (workload === undefined || selectorLabelOf(workload)) return undefined
  const message = `${workload.kind} ${workload.metadata.name} selects its pods by none of the labels app, name and app.kubernetes.io/name, which tell the primary's apart: make it anew with one of them in spec.selector`
  return { reason: 'UnsupportedSelector', message }
}

function hasNoAutoscaler({ canary, copies }: RefusalInput): Cause | undefined {
  const { autoscalerRef } = canary.spec
  const found = findAutoscaler(copies.autoscalers, canary)
  if (autoscalerRef === undefined || found?.source !== undefined) return undefined
  const message = `${autoscalerRef.kind} ${autoscalerRef.name} does not exist: create it or correct spec.autoscalerRef`
  return { reason: 'AutoscalerNotFound', message }
}

function isOwnedByOther({ canary, copies, route }: RefusalInput): Cause | undefined {
  const { namespace } = canary.metadata
  const { apex, ...backends } = serviceNamesOf(canary)
  // A Service that is released is only read.
  const written = canary.spec.targetRef.kind === 'Service' ? backends : { apex, ...backends }
  const services = Object.values(written).map((name) => copies.services.get({ namespace, name }))
  const primary = findTarget(copies, canary, primaryNameOf(canary))
  const autoscaler = findAutoscaler(copies.autoscalers, canary)?.primary
  const foreign = [...services, primary, autoscaler]
    .map((object) => foreignOwner(object, canary))
    .find((owner) => owner !== undefined)
  const message = foreign ?? route.foreign
  return message === undefined ? undefined : { reason: 'ObjectOwnedByOther', message }
}
