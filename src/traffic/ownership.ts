import { type Canary, canaryKind, type KubernetesObject, type ObjectMeta, type OwnerReference } from '../api/index.ts'
import { routeFieldsAnnotation } from './route-fields.ts'

/** GitOps tools must not undo weights; Flagger's objects carry the same. */
export const keepOffAnnotations: Readonly<Record<string, string>> = {
  'kustomize.toolkit.fluxcd.io/reconcile': 'disabled',
  'helm.toolkit.fluxcd.io/driftDetection': 'disabled',
}

/** Names the Canary that an object was made for. */
export const canaryAnnotation = 'sluice.dev/canary'

/**
 * What serves users has no owner reference while it does: Kubernetes would collect it as soon as its Canary is marked for
 * deletion in the foreground, before the workload serves again.
 */
export const marksOf = ({ metadata }: Canary): Readonly<Record<string, string>> => ({
  ...keepOffAnnotations,
  [canaryAnnotation]: metadata.name,
})

/** Of an object that is made for a Canary: it stands in its namespace. */
export const placeBeside = ({ metadata: { namespace } }: Canary, name: string): ObjectMeta => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
})

/** For objects that nobody is served by, and for those that have been replaced: they go when the Canary goes. */
export const ownerReferenceTo = (canary: Canary): OwnerReference => ({
  apiVersion: canary.apiVersion,
  kind: canaryKind.kind,
  name: canary.metadata.name,
  uid: canary.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
})

/** Says who else controls an object; undefined where nobody or this Canary does. */
export function foreignOwner(object: KubernetesObject | undefined, canary: Canary): string | undefined {
  if (object === undefined) return undefined
  const controller = object.metadata.ownerReferences?.find((reference) => reference.controller === true)
  const marked = object.metadata.annotations?.[canaryAnnotation]
  if (controller !== undefined && controller.uid !== canary.metadata.uid) {
    return `${object.kind} ${object.metadata.name} belongs to ${controller.kind} ${controller.name}`
  }
  if (marked === undefined || marked === canary.metadata.name) return undefined
  return `${object.kind} ${object.metadata.name} belongs to ${canaryKind.kind} ${marked}`
}

export const isOwned = ({ metadata }: KubernetesObject, canary: Canary): boolean =>
  metadata.annotations?.[canaryAnnotation] === canary.metadata.name

/** By its owner references, as what Flagger made is. */
export const isControlled = ({ metadata }: KubernetesObject, canary: Canary): boolean =>
  metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uid === canary.metadata.uid) === true

/** What Flagger made for a Canary, as Sluice has it: it names the Canary, and is not collected while it serves. */
export function adopt<T extends KubernetesObject>(object: T, canary: Canary): T {
  if (isOwned(object, canary) || !isControlled(object, canary)) return object
  const { annotations, ...metadata } = withoutOwner(object.metadata, canary)
  return { ...object, metadata: { ...metadata, annotations: { ...annotations, ...marksOf(canary) } } }
}

/** Nobody is served by it any more: it is collected with the Canary. Undefined where nothing is to be written. */
export function handOver<T extends KubernetesObject>(object: T | undefined, canary: Canary): T | undefined {
  if (object === undefined || !isOwned(object, canary) || isHandedOver(object, canary)) return undefined
  const others = (object.metadata.ownerReferences ?? []).filter(({ controller }) => controller !== true)
  return { ...object, metadata: { ...object.metadata, ownerReferences: [...others, ownerReferenceTo(canary)] } }
}

const isHandedOver = ({ metadata }: KubernetesObject, canary: Canary): boolean =>
  metadata.ownerReferences?.some(({ uid }) => uid === canary.metadata.uid) === true

/** An object that was made for a Canary and outlives it: GitOps tools may have it again. */
export function disown<T extends KubernetesObject>(object: T, canary: Canary): T {
  if (!isOwned(object, canary) && !isControlled(object, canary)) return object
  const marks = marksOf(canary)
  const { annotations = {}, ...metadata } = withoutOwner(object.metadata, canary)
  const kept = Object.entries(annotations).filter(([name]) => !(name in marks) && name !== routeFieldsAnnotation)
  return { ...object, metadata: { ...metadata, annotations: Object.fromEntries(kept) } }
}

function withoutOwner({ ownerReferences = [], ...metadata }: ObjectMeta, canary: Canary): ObjectMeta {
  const owners = ownerReferences.filter(({ uid }) => uid !== canary.metadata.uid)
  return { ...metadata, ...(owners.length === 0 ? {} : { ownerReferences: owners }) }
}
