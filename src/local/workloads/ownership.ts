import { apiVersionOf, type KubernetesObject, type OwnerReference, type ResourceKind } from '../../api/index.ts'

/** The reference that makes `owner` the controller of an object. */
export function controllerReference(kind: ResourceKind, owner: KubernetesObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  }
}

/** The reference to an object's controller, if it has one. */
export const controllerOf = (object: KubernetesObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((reference) => reference.controller === true)

export function isControlledBy(object: KubernetesObject, owner: KubernetesObject): boolean {
  const uid = controllerOf(object)?.uid
  return uid !== undefined && uid === owner.metadata.uid
}
