import { applyPatch, type Operation } from 'rfc6902'
import type { KubernetesObject, ResourceKind } from '../../src/api/index.ts'
import { isRecord } from '../../src/base/index.ts'
import { type KubeClient, KubeError, type ObjectRef, type WatchEvent } from '../../src/kube/index.ts'

type Call = 'get' | 'list' | 'create' | 'replace' | 'patch' | 'delete'

/**
 * One store of objects as several clients see one API server, without HTTP: versions, conflicts, generations, merge and
 * JSON patches, watches from now on. For tests of what is built on a client; the client itself is tested elsewhere.
 */
export interface MemoryCluster {
  /** `before` runs ahead of every call: it may throw, or wait for ever. */
  client(before?: (call: Call) => Promise<void> | void): Omit<KubeClient, 'apply'>
  /** Writes so far, such as `patch Deployment`. */
  readonly writes: string[]
  /** Reads so far. */
  readonly reads: string[]
  objects<T extends KubernetesObject>(kind: ResourceKind<T>): readonly T[]
}

const refusal = (code: number, reason: string): KubeError => new KubeError(reason, { code, reason, retry: 'later' })

export function createMemoryCluster(): MemoryCluster {
  const store = createStore()
  const writes: string[] = []
  const reads: string[] = []
  const client = (before: (call: Call) => Promise<void> | void = () => undefined): Omit<KubeClient, 'apply'> => {
    const enter = async (call: Call, kind: ResourceKind): Promise<void> => {
      await before(call)
      const kept = call === 'get' || call === 'list' ? reads : writes
      kept.push(`${call} ${kind.kind}`)
    }
    return {
      async get(kind, ref) {
        await enter('get', kind)
        return store.find(kind, ref)
      },
      async list(kind) {
        await enter('list', kind)
        return { items: store.all(kind), resourceVersion: store.version() }
      },
      async create(kind, object) {
        await enter('create', kind)
        if (store.find(kind, object.metadata) !== undefined) throw refusal(409, 'AlreadyExists')
        return store.write(kind, object)
      },
      async replace(kind, object) {
        await enter('replace', kind)
        const former = store.existing(kind, object.metadata)
        if (object.metadata.resourceVersion !== former.metadata.resourceVersion) throw refusal(409, 'Conflict')
        return store.write(kind, object)
      },
      async patch(kind, ref, patch, { type }) {
        await enter('patch', kind)
        const former = store.existing(kind, ref)
        return store.write(kind, type === 'json' ? patchedByJson(former, patch) : patchedByMerge(former, patch))
      },
      async delete(kind, ref) {
        await enter('delete', kind)
        store.remove(kind, ref)
      },
      watch: (kind, _, signal) => store.watch(kind, signal),
    }
  }
  return { client, writes, reads, objects: store.all }
}

interface Watcher {
  readonly plural: string
  readonly tell: (event: WatchEvent<KubernetesObject>) => void
}

function createStore() {
  const stored = new Map<string, KubernetesObject>()
  const watchers = new Set<Watcher>()
  let version = 0

  const keyOf = (kind: ResourceKind, ref: ObjectRef): string => `${kind.plural}/${ref.namespace}/${ref.name}`
  const find = <T extends KubernetesObject>(kind: ResourceKind<T>, ref: ObjectRef): T | undefined =>
    stored.get(keyOf(kind, ref)) as T | undefined
  const tell = (kind: ResourceKind, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubernetesObject): void => {
    for (const watcher of watchers) if (watcher.plural === kind.plural) watcher.tell({ type, object })
  }

  return {
    find,
    version: () => `${version}`,
    all: <T extends KubernetesObject>(kind: ResourceKind<T>): readonly T[] =>
      [...stored].filter(([key]) => key.startsWith(`${kind.plural}/`)).map(([, object]) => object as T),
    existing<T extends KubernetesObject>(kind: ResourceKind<T>, ref: ObjectRef): T {
      const object = find(kind, ref)
      if (object === undefined) throw refusal(404, 'NotFound')
      return object
    },
    write<T extends KubernetesObject>(kind: ResourceKind<T>, object: T): T {
      version += 1
      const former = find(kind, object.metadata)
      const written = {
        ...object,
        metadata: { ...object.metadata, ...generationAfter(former, object), resourceVersion: `${version}` },
      }
      stored.set(keyOf(kind, written.metadata), written)
      tell(kind, former === undefined ? 'ADDED' : 'MODIFIED', written)
      return written
    },
    remove(kind: ResourceKind, ref: ObjectRef): void {
      const former = find(kind, ref)
      if (former === undefined) return
      version += 1
      stored.delete(keyOf(kind, ref))
      tell(kind, 'DELETED', { ...former, metadata: { ...former.metadata, resourceVersion: `${version}` } })
    },
    async *watch<T extends KubernetesObject>(
      kind: ResourceKind<T>,
      signal: AbortSignal,
    ): AsyncGenerator<WatchEvent<T>> {
      const events: WatchEvent<T>[] = []
      let more = Promise.withResolvers<void>()
      const watcher: Watcher = {
        plural: kind.plural,
        tell(event) {
          events.push(event as WatchEvent<T>)
          more.resolve()
        },
      }
      watchers.add(watcher)
      signal.addEventListener('abort', () => more.resolve(), { once: true })
      while (!signal.aborted) {
        yield* events.splice(0)
        await more.promise
        more = Promise.withResolvers<void>()
      }
      watchers.delete(watcher)
    },
  }
}

/** A new spec is a new generation, for objects that have one. */
function generationAfter(former: KubernetesObject | undefined, object: KubernetesObject): { generation?: number } {
  if (!('spec' in object) || object.kind === 'Lease') return {}
  if (former === undefined) return { generation: 1 }
  const isSame = 'spec' in former && JSON.stringify(former.spec) === JSON.stringify(object.spec)
  return { generation: (former.metadata.generation ?? 1) + (isSame ? 0 : 1) }
}

function patchedByMerge<T extends KubernetesObject>(former: T, patch: object): T {
  const { metadata } = patch as { metadata?: { resourceVersion?: string } }
  const wanted = metadata?.resourceVersion
  if (wanted !== undefined && wanted !== former.metadata.resourceVersion) throw refusal(409, 'Conflict')
  return mergePatch(former, patch) as T
}

/** RFC 7396. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  }
  return merged
}

function patchedByJson<T extends KubernetesObject>(former: T, patch: object): T {
  const copy = structuredClone(former)
  if (applyPatch(copy, patch as Operation[]).some((error) => error !== null)) throw refusal(422, 'Invalid')
  return copy
}
