import { deepEqual, type JsonObject, numberAt, objectAt, own, stringAt, withAt, without, withoutAt } from '../json.ts'
import type { ApiResource, KindContext } from '../kinds/resource.ts'
import { finalizersOf, isDeleting, keyOf, nameOf, resourceVersionOf, strings, uidOf } from '../metadata.ts'
import type { NamedTarget, Platform } from '../platform.ts'
import { badRequest, conflict, invalid, invalidValue, notFound } from '../status-error.ts'
import { validateObject } from './validate-object.ts'
import { present } from './written.ts'

export function getStored(platform: Platform, target: NamedTarget): JsonObject {
  const { resource } = target
  const stored = platform.store.get(resource.storage, keyOf(target.namespace, target.name))
  if (stored === undefined) throw notFound({ group: resource.group, kind: resource.plural, name: target.name })
  return stored
}

export interface Update {
  /** The whole object that the client wants. */
  readonly wanted: JsonObject
  readonly current: JsonObject
  readonly dryRun: boolean
  /** Writes managedFields of the result. */
  readonly track: (next: JsonObject) => JsonObject
  /** PUT of a custom resource must say which version it read. */
  readonly needsResourceVersion?: boolean
}

/** Checks the preconditions, keeps what the endpoint may not write, completes, validates and stores. */
export function storeUpdate(platform: Platform, target: NamedTarget, update: Update): JsonObject {
  const { resource } = target
  const { current } = update
  checkPreconditions(target, update)
  const separated = separate(target, update.wanted, current)
  const context: KindContext = {
    now: platform.clock.now(),
    previous: current,
    subresource: target.subresource,
    siblings: () => platform.store.list(resource.storage).filter((other) => uidOf(other) !== uidOf(current)),
  }
  const filled = update.track(present(resource, resource.rules.fillDefaults?.(separated) ?? separated))
  const complete = resource.rules.complete?.(filled, context) ?? filled
  validateObject(resource, complete, context)
  const next = withGeneration(resource, complete, current)
  if (isUnchanged(next, present(resource, current))) return current
  if (update.dryRun) return next
  return storeOrFinish(platform, target, next)
}

/** An object whose last finalizer went while it was being deleted is gone with this write. */
export function storeOrFinish(platform: Platform, target: NamedTarget, next: JsonObject): JsonObject {
  const { store } = platform
  const key = keyOf(target.namespace, target.name)
  if (!isFinished(target.resource, next)) return store.put(target.resource.storage, key, next)
  store.remove(target.resource.storage, key)
  return next
}

export function isFinished(resource: ApiResource, object: JsonObject): boolean {
  if (!isDeleting(object) || finalizersOf(object).length > 0) return false
  if (resource.storage === '/namespaces') return strings(objectAt(object, 'spec')?.finalizers).length === 0
  return (numberAt(object, 'metadata', 'deletionGracePeriodSeconds') ?? 0) === 0
}

function checkPreconditions(target: NamedTarget, { wanted, current, needsResourceVersion }: Update): void {
  const { resource, name } = target
  const subject = { group: resource.group, kind: resource.plural, name }
  const given = nameOf(wanted)
  if (given !== '' && given !== name) {
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`)
  }
  const namespace = stringAt(wanted, 'metadata', 'namespace')
  if (namespace && namespace !== target.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  const version = resourceVersionOf(wanted) ?? ''
  if (version === '' && needsResourceVersion === true && resource.isCustom) {
    const cause = invalidValue('metadata.resourceVersion', 0, 'must be specified for an update')
    throw invalid(subject, [cause])
  }
  if (version !== '' && version !== resourceVersionOf(current)) {
    throw conflict(
      subject,
      'the object has been modified; please apply your changes to the latest version and try again',
    )
  }
  const uid = uidOf(wanted)
  if (uid !== '' && uid !== uidOf(current)) {
    throw conflict(
      subject,
      `StorageError: invalid object, Code: 4, Key: ${storageKey(target)}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${uidOf(current)}`,
    )
  }
}

/** The key under which a real server keeps the object: its message names it. */
const storageKey = ({ resource, namespace, name }: NamedTarget): string =>
  `/registry/${resource.group === '' || !resource.isCustom ? '' : `${resource.group}/`}${resource.plural}/${namespace === undefined ? '' : `${namespace}/`}${name}`

const fixed = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'resourceVersion',
  'selfLink',
]

/** The main resource keeps the stored status, the status subresource keeps everything else. */
function separate(target: NamedTarget, wanted: JsonObject, current: JsonObject): JsonObject {
  const metadata: JsonObject = {
    ...without(objectAt(wanted, 'metadata') ?? {}, ...fixed),
    ...pick(objectAt(current, 'metadata') ?? {}, fixed),
  }
  if (target.subresource === 'status') return withStatus(target.resource, { ...wanted, metadata }, current)
  const merged = { ...wanted, metadata }
  if (!target.resource.hasStatus) return merged
  const status = own(current, 'status')
  return status === undefined ? withoutAt(merged, ['status']) : { ...merged, status }
}

function withStatus(resource: ApiResource, wanted: JsonObject, current: JsonObject): JsonObject {
  const status = own(wanted, 'status')
  const next = status === undefined ? withoutAt(current, ['status']) : { ...current, status }
  const metadata = objectAt(current, 'metadata') ?? {}
  const managedFields = own(objectAt(wanted, 'metadata'), 'managedFields')
  const tracked = managedFields === undefined ? metadata : { ...metadata, managedFields }
  // The node agent writes a pod's annotations together with its status, as a kubelet may.
  if (resource.storage !== '/pods') return { ...next, metadata: tracked }
  return { ...next, metadata: { ...tracked, ...pick(objectAt(wanted, 'metadata') ?? {}, ['labels', 'annotations']) } }
}

function pick(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => keys.includes(key)))
}

function withGeneration(resource: ApiResource, next: JsonObject, current: JsonObject): JsonObject {
  if (!resource.countsGeneration) return next
  const ignored = resource.hasStatus ? ['metadata', 'status'] : ['metadata']
  const outside = [...ignored, 'apiVersion']
  if (deepEqual(without(next, ...outside), without(current, ...outside))) return next
  return withAt(next, ['metadata', 'generation'], (numberAt(current, 'metadata', 'generation') ?? 0) + 1)
}

function isUnchanged(next: JsonObject, current: JsonObject): boolean {
  return deepEqual(
    withoutAt(next, ['metadata', 'resourceVersion']),
    withoutAt(current, ['metadata', 'resourceVersion']),
  )
}
