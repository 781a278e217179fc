import type { KubernetesObject, ObjectMeta, ResourceKind } from '../../src/api/index.ts'
import { isSameJson } from '../../src/base/index.ts'
import {
  type KubeClient,
  KubeError,
  type ListOptions,
  type ObjectRef,
  type Subresource,
  type WatchEvent,
} from '../../src/kube/index.ts'

type Stored = KubernetesObject & { readonly spec?: unknown; readonly status?: unknown }

export interface MemoryWrite {
  readonly verb: 'create' | 'replace' | 'patch' | 'delete'
  readonly kind: string
  readonly namespace: string | undefined
  readonly name: string
  readonly subresource?: Subresource | undefined
  readonly by: string
}

interface LogEntry {
  readonly version: number
  readonly resource: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: Stored
}

/** The part of the Kubernetes API that the controller uses, in memory: versions, conflicts, status, watches. */
export interface MemoryApi {
  /** A client whose writes are listed under `by`. `before` may throw: the call fails then. */
  client(by: string, before?: (write: MemoryWrite) => void): KubeClient
  readonly writes: readonly MemoryWrite[]
  get<T extends KubernetesObject>(kind: ResourceKind<T>, name: string): T
  list<T extends KubernetesObject>(kind: ResourceKind<T>): readonly T[]
  /** Called after every write, in a turn of its own. */
  onWrite(react: (plural: string, object: KubernetesObject) => void): void
}

const refuse = (code: number, reason: string, name: string): never => {
  throw new KubeError(`${name}: ${reason}`, { code, reason, retry: reason === 'Invalid' ? 'never' : 'later' })
}

/** What is stored never changes: everybody is given the same object, and whoever would write to it fails. */
function frozen<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value
  if (Array.isArray(value)) return Object.freeze(value.map(frozen)) as T
  const fields = Object.entries(value).map(([name, field]) => [name, frozen(field)])
  return Object.freeze(Object.fromEntries(fields)) as T
}

/** Kinds of two groups may have one name. */
const resourceOf = ({ group, plural }: ResourceKind): string => `${group}/${plural}`

const refOf = ({ namespace, name }: ObjectRef) => ({ namespace, name })

export function createMemoryApi(now: () => number): MemoryApi {
  const objects = new Map<string, Stored>()
  const log: LogEntry[] = []
  const writes: MemoryWrite[] = []
  const listeners = new Map<string, Set<() => void>>()
  const reactors: ((plural: string, object: KubernetesObject) => void)[] = []
  let version = 0

  const keyOf = (kind: ResourceKind, ref: ObjectRef) => `${resourceOf(kind)}/${ref.namespace ?? ''}/${ref.name}`
  const find = (kind: ResourceKind, ref: ObjectRef): Stored =>
    objects.get(keyOf(kind, ref)) ?? refuse(404, 'NotFound', ref.name)

  const publish = (kind: ResourceKind, type: LogEntry['type'], object: Stored): Stored => {
    version += 1
    const stored = frozen({ ...object, metadata: { ...object.metadata, resourceVersion: `${version}` } })
    if (type === 'DELETED') objects.delete(keyOf(kind, object.metadata))
    else objects.set(keyOf(kind, object.metadata), stored)
    log.push({ version, resource: resourceOf(kind), type, object: stored })
    for (const listener of listeners.get(resourceOf(kind)) ?? []) listener()
    for (const react of reactors) setImmediate(() => react(kind.plural, stored))
    return stored
  }

  const update = (kind: ResourceKind, wanted: Stored, subresource: Subresource | undefined): Stored => {
    const existing = find(kind, wanted.metadata)
    const { resourceVersion } = wanted.metadata
    if (resourceVersion !== undefined && resourceVersion !== existing.metadata.resourceVersion) {
      refuse(409, 'Conflict', wanted.metadata.name)
    }
    const merged = subresource === 'status' ? { ...existing, status: wanted.status } : keepStatus(wanted, existing)
    if (isSameJson(strip(merged), strip(existing))) return existing
    const isSameSpec = isSameJson(merged.spec, existing.spec)
    const generation = (existing.metadata.generation ?? 1) + (isSameSpec ? 0 : 1)
    const metadata = { ...merged.metadata, ...serverSet(existing.metadata), generation }
    return publish(kind, isFinished(metadata) ? 'DELETED' : 'MODIFIED', { ...merged, metadata })
  }

  /** What has finalizers stays until the last one is taken off. */
  const markDeleted = (kind: ResourceKind, existing: Stored): void => {
    if (existing.metadata.deletionTimestamp !== undefined) return
    const deletionTimestamp = new Date(now()).toISOString()
    publish(kind, 'MODIFIED', { ...existing, metadata: { ...existing.metadata, deletionTimestamp } })
  }

  const clientOf = (by: string, before: (write: MemoryWrite) => void): KubeClient => {
    const note = (write: Omit<MemoryWrite, 'by'>) => {
      before({ ...write, by })
      writes.push({ ...write, by })
    }
    return {
      async get<T extends KubernetesObject>(kind: ResourceKind<T>, ref: ObjectRef) {
        return objects.get(keyOf(kind, ref)) as T | undefined
      },
      async list<T extends KubernetesObject>(kind: ResourceKind<T>, options: ListOptions = {}) {
        const items = listed<T>(kind, options)
        return { items: items.map((each) => shown(each, options)), resourceVersion: `${version}` }
      },
      async create<T extends KubernetesObject>(kind: ResourceKind<T>, object: T) {
        note({ verb: 'create', kind: kind.kind, ...refOf(object.metadata) })
        if (objects.has(keyOf(kind, object.metadata))) refuse(409, 'AlreadyExists', object.metadata.name)
        const { status: _, ...rest } = object as Stored
        const metadata = {
          ...object.metadata,
          uid: `uid-${kind.kind}-${version}`,
          generation: 1,
          creationTimestamp: new Date(now()).toISOString(),
        }
        return publish(kind, 'ADDED', { ...rest, metadata }) as unknown as T
      },
      async replace<T extends KubernetesObject>(kind: ResourceKind<T>, object: T, subresource?: Subresource) {
        note({ verb: 'replace', kind: kind.kind, ...refOf(object.metadata), subresource })
        return update(kind, object as Stored, subresource) as unknown as T
      },
      async patch<T extends KubernetesObject>(
        kind: ResourceKind<T>,
        ref: ObjectRef,
        patch: object,
        options: { type: string; subresource?: Subresource },
      ) {
        note({ verb: 'patch', kind: kind.kind, ...refOf(ref), subresource: options.subresource })
        if (options.type !== 'merge') refuse(415, 'UnsupportedMediaType', ref.name)
        const wanted = mergePatch(find(kind, ref), patch) as Stored
        return update(kind, wanted, options.subresource) as unknown as T
      },
      async apply(_, object) {
        return refuse(415, 'UnsupportedMediaType', object.metadata.name)
      },
      async delete(kind, ref) {
        note({ verb: 'delete', kind: kind.kind, ...refOf(ref) })
        const existing = objects.get(keyOf(kind, ref))
        if (existing?.metadata.finalizers?.length) markDeleted(kind, existing)
        else if (existing) publish(kind, 'DELETED', existing)
      },
      watch: <T extends KubernetesObject>(
        kind: ResourceKind<T>,
        options: ListOptions & { resourceVersion: string },
        signal: AbortSignal,
      ) => watchFrom<T>(kind, options, signal),
    }
  }

  const listed = <T extends KubernetesObject>(kind: ResourceKind<T>, { namespace, labelSelector }: ListOptions): T[] =>
    [...objects]
      .filter(([key]) => key.startsWith(`${resourceOf(kind)}/`))
      .map(([, object]) => object as unknown as T)
      .filter((object) => namespace === undefined || object.metadata.namespace === namespace)
      .filter((object) => isSelected(object, labelSelector))

  async function* watchFrom<T extends KubernetesObject>(
    kind: ResourceKind<T>,
    options: ListOptions & { resourceVersion: string },
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    let position = log.findIndex((entry) => entry.version > Number(options.resourceVersion))
    if (position < 0) position = log.length
    while (!signal.aborted) {
      for (; position < log.length; position++) {
        const entry = log[position]
        if (entry?.resource !== resourceOf(kind)) continue
        yield { type: entry.type, object: shown(entry.object as unknown as T, options) }
      }
      await nextWrite(kind, signal)
    }
  }

  const nextWrite = (kind: ResourceKind, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const waiting = listeners.get(resourceOf(kind)) ?? new Set()
      listeners.set(resourceOf(kind), waiting)
      const wake = () => {
        waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      waiting.add(wake)
      signal.addEventListener('abort', wake, { once: true })
    })

  return {
    client: (by, before = () => undefined) => clientOf(by, before),
    writes,
    get: <T extends KubernetesObject>(kind: ResourceKind<T>, name: string) =>
      find(kind, { namespace: 'default', name }) as unknown as T,
    list: <T extends KubernetesObject>(kind: ResourceKind<T>) => listed<T>(kind, {}),
    onWrite: (react) => {
      reactors.push(react)
    },
  }
}

/** By one label: `name=value`, or `name` for any value. */
function isSelected({ metadata }: KubernetesObject, labelSelector: string | undefined): boolean {
  if (labelSelector === undefined) return true
  const [name = '', value] = labelSelector.split('=')
  const label = metadata.labels?.[name]
  return value === undefined ? label !== undefined : label === value
}

function shown<T extends KubernetesObject>(object: T, { metadataOnly }: ListOptions): T {
  const { apiVersion, kind, metadata } = object
  return metadataOnly ? ({ apiVersion, kind, metadata } as T) : object
}

/** What no client changes. */
function serverSet({ uid = '', creationTimestamp = '', deletionTimestamp }: ObjectMeta): Partial<ObjectMeta> {
  return { uid, creationTimestamp, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) }
}

const isFinished = ({ deletionTimestamp, finalizers = [] }: ObjectMeta): boolean =>
  deletionTimestamp !== undefined && finalizers.length === 0

const keepStatus = (wanted: Stored, existing: Stored): Stored =>
  'status' in existing ? { ...wanted, status: existing.status } : wanted

const strip = (object: Stored) => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: '', managedFields: [], generation: 0 },
})

function mergePatch(target: unknown, patch: unknown): unknown {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch
  const merged: Record<string, unknown> = { ...(typeof target === 'object' && target !== null ? target : {}) }
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else merged[name] = mergePatch(merged[name], value)
  }
  return merged
}
