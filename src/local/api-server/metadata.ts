import { arrayAt, at, isObject, type Json, type JsonObject, objectAt, stringAt } from './json.ts'

export const nameOf = (object: JsonObject): string => stringAt(object, 'metadata', 'name') ?? ''
export const namespaceOf = (object: JsonObject): string | undefined => {
  const namespace = stringAt(object, 'metadata', 'namespace')
  return namespace === '' ? undefined : namespace
}
export const uidOf = (object: JsonObject): string => stringAt(object, 'metadata', 'uid') ?? ''
export const resourceVersionOf = (object: JsonObject): string | undefined =>
  stringAt(object, 'metadata', 'resourceVersion')
export const finalizersOf = (object: JsonObject): readonly string[] => strings(at(object, 'metadata', 'finalizers'))
export const isDeleting = (object: JsonObject): boolean =>
  stringAt(object, 'metadata', 'deletionTimestamp') !== undefined

export const strings = (value: Json | undefined): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []

export const labelsOf = (object: JsonObject): Readonly<Record<string, string>> =>
  stringMap(objectAt(object, 'metadata', 'labels'))

export function stringMap(object: JsonObject | undefined): Readonly<Record<string, string>> {
  const out: Record<string, string> = {}
  for (const [key, value] of Object.entries(object ?? {})) if (typeof value === 'string') out[key] = value
  return out
}

/** The key of an object inside its resource. */
export const keyOf = (namespace: string | undefined, name: string): string =>
  namespace === undefined ? name : `${namespace}/${name}`

export const objectKey = (object: JsonObject): string => keyOf(namespaceOf(object), nameOf(object))

export interface Owner {
  readonly uid: string
  readonly name: string
  readonly kind: string
  readonly apiVersion: string
  readonly blocks: boolean
}

export const ownersOf = (object: JsonObject): readonly Owner[] =>
  arrayAt(object, 'metadata', 'ownerReferences')
    .filter(isObject)
    .map((reference) => ({
      uid: stringAt(reference, 'uid') ?? '',
      name: stringAt(reference, 'name') ?? '',
      kind: stringAt(reference, 'kind') ?? '',
      apiVersion: stringAt(reference, 'apiVersion') ?? '',
      blocks: at(reference, 'blockOwnerDeletion') === true,
    }))

/** Kubernetes' time: RFC 3339 without fractions. */
export const timestamp = (now: number): string => new Date(now).toISOString().replace(/\.\d+Z$/, 'Z')
