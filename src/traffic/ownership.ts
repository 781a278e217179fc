import { apiVersionOf, type Canary, canaryKind, type KubernetesObject, type OwnerReference } from '../api/index.ts'

/** GitOps tools must not undo weights; Flagger's objects carry the same. */
export const keepOffAnnotations: Readonly<Record<string, string>> = {
  'kustomize.toolkit.fluxcd.io/reconcile': 'disabled',
  'helm.toolkit.fluxcd.io/driftDetection': 'disabled',
}

/** Objects made for a Canary go when it goes. */
export const ownerReferenceTo = (canary: Canary): OwnerReference => ({
  apiVersion: apiVersionOf(canaryKind),
  kind: canaryKind.kind,
  name: canary.metadata.name,
  uid: canary.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
})

/** Says who else controls an object; undefined where nobody or this Canary does. */
export function foreignOwner(object: KubernetesObject | undefined, canary: Canary): string | undefined {
  const controller = object?.metadata.ownerReferences?.find((reference) => reference.controller === true)
  if (object === undefined || controller === undefined || controller.uid === canary.metadata.uid) return undefined
  return `${object.kind} ${object.metadata.name} belongs to ${controller.kind} ${controller.name}`
}

export const isOwned = ({ metadata }: KubernetesObject, canary: Canary): boolean =>
  metadata.ownerReferences?.some(({ uid }) => uid === canary.metadata.uid) === true

/** An object that was made for a Canary and outlives it: GitOps tools may have it again. */
export function disown<T extends KubernetesObject>(object: T, canary: Canary): T {
  if (!isOwned(object, canary)) return object
  const { ownerReferences = [], annotations = {}, ...metadata } = object.metadata
  const owners = ownerReferences.filter(({ uid }) => uid !== canary.metadata.uid)
  const kept = Object.entries(annotations).filter(([name]) => !(name in keepOffAnnotations))
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(owners.length === 0 ? {} : { ownerReferences: owners }),
      annotations: Object.fromEntries(kept),
    },
  }
}
