import { backgroundDeletion, cleanupFinalizer, startDeletion } from '../endpoints/delete.ts'
import { deepEqual, type JsonObject, stringAt } from '../json.ts'
import { establish } from '../kinds/custom-resources.ts'
import { definitionsStorage } from '../kinds/registry.ts'
import { isDeleting, timestamp } from '../metadata.ts'
import type { Platform } from '../platform.ts'
import type { Change } from '../storage/event-log.ts'
import type { Reaction } from './deferred.ts'
import { removeFinalizer } from './garbage-collector.ts'

/** Accepts the names of definitions, and deletes their objects before they go. */
export function createDefinitionReaction(platform: Platform): Reaction {
  return (change: Change) => {
    if (change.resource === definitionsStorage) {
      if (change.type !== 'DELETED') tendDefinition(platform, change.key)
      else for (const other of platform.store.list(definitionsStorage)) tendDefinition(platform, keyOfDefinition(other))
      return
    }
    if (change.type !== 'DELETED') return
    const definition = platform.store
      .list(definitionsStorage)
      .find((one) => storageOf(one) === change.resource && isDeleting(one))
    if (definition !== undefined) tendDefinition(platform, keyOfDefinition(definition))
  }
}

const keyOfDefinition = (definition: JsonObject): string => stringAt(definition, 'metadata', 'name') ?? ''
const storageOf = (definition: JsonObject): string =>
  `${stringAt(definition, 'spec', 'group')}/${stringAt(definition, 'spec', 'names', 'plural')}`

export function tendDefinition(platform: Platform, key: string): void {
  const definition = platform.store.get(definitionsStorage, key)
  if (definition === undefined) return
  if (isDeleting(definition)) {
    deleteObjects(platform, key, definition)
    return
  }
  const others = platform.store.list(definitionsStorage)
  const next = establish(definition, others, timestamp(platform.clock.now()))
  if (!deepEqual(next, definition)) platform.store.put(definitionsStorage, key, next)
}

function deleteObjects(platform: Platform, key: string, definition: JsonObject): void {
  const storage = storageOf(definition)
  const resource = platform.registry.ofStorage(storage)
  for (const object of platform.store.list(storage)) {
    if (resource !== undefined && !isDeleting(object)) startDeletion(platform, resource, object, backgroundDeletion)
  }
  if (platform.store.list(storage).length > 0) return
  removeFinalizer(platform, { resource: definitionsStorage, key }, definition, cleanupFinalizer)
}
