import type { KubernetesObject, ResourceKind } from '../../src/api/index.ts'
import { type KubeClient, KubeError, type ObjectRef } from '../../src/kube/index.ts'

type Call = 'get' | 'create' | 'replace' | 'patch'

/** One store of objects, as many candidates see one API server; each takes a client with faults of its own. */
export interface MemoryCluster {
  /** `before` runs ahead of every call: it may throw, or wait for ever. */
  client(before?: (call: Call) => Promise<void> | void): Pick<KubeClient, Call>
  readonly calls: string[]
  /** The objects of a kind, by name. */
  objects<T extends KubernetesObject>(kind: ResourceKind<T>): readonly T[]
}

const refusal = (code: number, reason: string): KubeError => new KubeError(reason, { code, reason, retry: 'later' })

export function createMemoryCluster(): MemoryCluster {
  const stored = new Map<string, KubernetesObject>()
  const calls: string[] = []
  let version = 0

  const keyOf = (kind: ResourceKind, ref: ObjectRef): string => `${kind.plural}/${ref.namespace}/${ref.name}`
  const write = <T extends KubernetesObject>(kind: ResourceKind<T>, object: T): T => {
    version += 1
    const written = { ...object, metadata: { ...object.metadata, resourceVersion: `${version}` } }
    stored.set(keyOf(kind, written.metadata), written)
    return written
  }
  const existing = <T extends KubernetesObject>(kind: ResourceKind<T>, ref: ObjectRef): T => {
    const object = stored.get(keyOf(kind, ref))
    if (object === undefined) throw refusal(404, 'NotFound')
    return object as T
  }

  return {
    calls,
    objects: <T extends KubernetesObject>(kind: ResourceKind<T>) =>
      [...stored].filter(([key]) => key.startsWith(`${kind.plural}/`)).map(([, object]) => object as T),
    client: (before = () => undefined) => ({
      async get<T extends KubernetesObject>(kind: ResourceKind<T>, ref: ObjectRef) {
        await before('get')
        return stored.get(keyOf(kind, ref)) as T | undefined
      },
      async create(kind, object) {
        await before('create')
        calls.push(`create ${kind.kind}`)
        if (stored.has(keyOf(kind, object.metadata))) throw refusal(409, 'AlreadyExists')
        return write(kind, object)
      },
      async replace(kind, object) {
        await before('replace')
        calls.push(`replace ${kind.kind}`)
        const { resourceVersion } = existing(kind, object.metadata).metadata
        if (object.metadata.resourceVersion !== resourceVersion) throw refusal(409, 'Conflict')
        return write(kind, object)
      },
      async patch(kind, ref, patch) {
        await before('patch')
        calls.push(`patch ${kind.kind}`)
        return write(kind, { ...existing(kind, ref), ...patch })
      },
    }),
  }
}
