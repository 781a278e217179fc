import type { KubernetesObject } from '../../api/index.ts'
import type { ObjectKey } from '../model/index.ts'
import { namespaceOf } from './workload.ts'

export const keyOf = (object: KubernetesObject): ObjectKey => ({
  kind: object.kind,
  namespace: namespaceOf(object),
  name: object.metadata.name,
})

/** Oldest first; equal ages by namespace and name, so that the order never flaps. */
export function byAge(left: KubernetesObject, right: KubernetesObject): number {
  const rank = (object: KubernetesObject) =>
    [object.metadata.creationTimestamp ?? '', namespaceOf(object), object.metadata.name].join('\u0000')
  return rank(left) < rank(right) ? -1 : 1
}
