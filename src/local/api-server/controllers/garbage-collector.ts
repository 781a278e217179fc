import { backgroundDeletion, foregroundFinalizer, orphanFinalizer, startDeletion } from '../endpoints/delete.ts'
import { isFinished } from '../endpoints/update.ts'
import { arrayAt, type JsonObject, stringAt, withAt, withoutAt } from '../json.ts'
import { finalizersOf, isDeleting, namespaceOf, type Owner, ownersOf, uidOf } from '../metadata.ts'
import type { Platform } from '../platform.ts'
import type { Change } from '../storage/event-log.ts'
import type { Reaction } from './deferred.ts'
import type { OwnerIndex, Place } from './owner-index.ts'

/** Collects what has no living owner, and carries out foreground and orphan deletion. */
export function createGarbageCollector(platform: Platform, index: OwnerIndex): Reaction {
  return (change: Change) => {
    const place = { resource: change.resource, key: change.key }
    if (change.type !== 'DELETED') {
      sweep(platform, index, place)
      return
    }
    for (const dependent of index.dependentsOf(uidOf(change.object))) sweep(platform, index, dependent)
    // A foreground deletion of an owner may have waited for this one.
    for (const owner of ownersOf(change.object)) {
      const found = platform.store.byUid(owner.uid)
      if (found !== undefined) sweep(platform, index, found)
    }
  }
}

/** Brings one object to where its owners and its own deletion want it. */
export function sweep(platform: Platform, index: OwnerIndex, place: Place): void {
  const object = platform.store.get(place.resource, place.key)
  if (object === undefined) return
  if (isDeleting(object)) finishPropagation(platform, index, place, object)
  else checkOwners(platform, index, place, object)
}

function checkOwners(platform: Platform, index: OwnerIndex, place: Place, object: JsonObject): void {
  const owners = ownersOf(object)
  if (owners.length === 0) return
  const living = owners.filter((owner) => isLiving(platform, owner, object))
  if (living.length === owners.length) return
  if (living.length > 0) {
    keepOwners(platform, place, object, living)
    return
  }
  const resource = platform.registry.ofStorage(place.resource)
  if (resource === undefined) return
  const hasDependents = index.dependentsOf(uidOf(object)).length > 0
  const waited = owners.some((owner) => owner.blocks && isWaiting(platform, owner))
  const propagation = waited && hasDependents ? 'Foreground' : 'Background'
  startDeletion(platform, resource, object, { ...backgroundDeletion, propagation })
}

/** An owner of another namespace counts as absent; one in foreground deletion wants its dependents gone. */
function isLiving(platform: Platform, owner: Owner, dependent: JsonObject): boolean {
  const found = platform.store.byUid(owner.uid)?.object
  if (found === undefined || stringAt(found, 'kind') !== owner.kind) return false
  const namespace = namespaceOf(found)
  if (namespace !== undefined && namespace !== namespaceOf(dependent)) return false
  return !isWaiting(platform, owner)
}

function isWaiting(platform: Platform, owner: Owner): boolean {
  const found = platform.store.byUid(owner.uid)?.object
  return found !== undefined && isDeleting(found) && finalizersOf(found).includes(foregroundFinalizer)
}

function keepOwners(platform: Platform, place: Place, object: JsonObject, owners: readonly Owner[]): void {
  const uids = new Set(owners.map((owner) => owner.uid))
  const kept = arrayAt(object, 'metadata', 'ownerReferences').filter((one) => uids.has(stringAt(one, 'uid') ?? ''))
  const path = ['metadata', 'ownerReferences']
  const next = kept.length === 0 ? withoutAt(object, path) : withAt(object, path, kept)
  platform.store.put(place.resource, place.key, next)
}

function finishPropagation(platform: Platform, index: OwnerIndex, place: Place, object: JsonObject): void {
  const finalizers = finalizersOf(object)
  const dependents = index.dependentsOf(uidOf(object))
  if (finalizers.includes(orphanFinalizer)) {
    for (const dependent of dependents) {
      const others = ownersOf(dependent.object).filter((owner) => owner.uid !== uidOf(object))
      keepOwners(platform, dependent, dependent.object, others)
    }
    removeFinalizer(platform, place, object, orphanFinalizer)
    return
  }
  if (!finalizers.includes(foregroundFinalizer)) return
  for (const dependent of dependents) {
    if (!isDeleting(dependent.object)) sweep(platform, index, dependent)
  }
  const blocking = index
    .dependentsOf(uidOf(object))
    .some((dependent) => ownersOf(dependent.object).some((owner) => owner.uid === uidOf(object) && owner.blocks))
  if (!blocking) removeFinalizer(platform, place, object, foregroundFinalizer)
}

/** Takes a finalizer away; the object goes with the last one. */
export function removeFinalizer(platform: Platform, place: Place, object: JsonObject, finalizer: string): void {
  const kept = finalizersOf(object).filter((one) => one !== finalizer)
  const path = ['metadata', 'finalizers']
  const next = kept.length === 0 ? withoutAt(object, path) : withAt(object, path, kept)
  const resource = platform.registry.ofStorage(place.resource)
  if (resource !== undefined && isFinished(resource, next)) platform.store.remove(place.resource, place.key)
  else platform.store.put(place.resource, place.key, next)
}
