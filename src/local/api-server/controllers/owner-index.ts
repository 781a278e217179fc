import { findOrMake } from '../../../base/index.ts'
import type { JsonObject } from '../json.ts'
import { ownersOf } from '../metadata.ts'
import type { Store } from '../storage/store.ts'

export interface Place {
  readonly resource: string
  readonly key: string
}

/** Who refers to a uid as an owner. */
export interface OwnerIndex {
  dependentsOf(uid: string): readonly (Place & { readonly object: JsonObject })[]
}

export function createOwnerIndex(store: Store): OwnerIndex {
  const places = new Map<string, Map<string, Place>>()
  const idOf = (place: Place): string => `${place.resource} ${place.key}`
  const forget = (object: JsonObject, place: Place): void => {
    for (const { uid } of ownersOf(object)) places.get(uid)?.delete(idOf(place))
  }
  const remember = (object: JsonObject, place: Place): void => {
    for (const { uid } of ownersOf(object)) {
      findOrMake(places, uid, () => new Map<string, Place>()).set(idOf(place), place)
    }
  }
  for (const { resource, key, object } of store.all()) remember(object, { resource, key })
  store.subscribe((change) => {
    const place = { resource: change.resource, key: change.key }
    if (change.previous !== undefined) forget(change.previous, place)
    if (change.type !== 'DELETED') remember(change.object, place)
  })
  return {
    dependentsOf(uid) {
      return [...(places.get(uid)?.values() ?? [])].flatMap((place) => {
        const object = store.get(place.resource, place.key)
        return object === undefined ? [] : [{ ...place, object }]
      })
    },
  }
}
