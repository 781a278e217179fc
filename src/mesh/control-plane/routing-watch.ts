import type { KubernetesObject, NetworkingStatus, ResourceKind } from '../../api/index.ts'
import type { KubeClient, Reflector } from '../../kube/index.ts'

/** An object that users write for the mesh, and that the mesh answers on. */
export interface RoutingObject extends KubernetesObject {
  readonly status?: NetworkingStatus
}

/** The local copies of one kind of such objects. */
export interface RoutingWatch {
  list(): readonly RoutingObject[]
  get(ref: { readonly name: string; readonly namespace?: string | undefined }): RoutingObject | undefined
  /** Writes the status of the version of the object that was judged: a newer one is judged anew. */
  patchStatus(client: Pick<KubeClient, 'patch'>, object: RoutingObject, status: object): Promise<void>
}

export const routingWatch = <T extends RoutingObject>(
  kind: ResourceKind<T>,
  watch: Reflector<T>,
): readonly [kind: string, RoutingWatch] => [
  kind.kind,
  {
    list: watch.list,
    get: watch.get,
    async patchStatus(client, { metadata: { name, namespace, resourceVersion } }, status) {
      const body = { metadata: { resourceVersion }, status }
      watch.overlay(await client.patch(kind, { name, namespace }, body, { type: 'merge', subresource: 'status' }))
    },
  },
]
