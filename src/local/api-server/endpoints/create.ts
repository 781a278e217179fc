import { randomInt, randomUUID } from 'node:crypto'
import { parseObject } from '../http/body.ts'
import type { ApiRequest, ApiResponse } from '../http/request.ts'
import { compact, type JsonObject, objectAt, stringAt, without, withoutAt } from '../json.ts'
import type { ApiResource, KindContext } from '../kinds/resource.ts'
import { isDeleting, keyOf, nameOf, timestamp } from '../metadata.ts'
import type { Platform, Target } from '../platform.ts'
import { alreadyExists, badRequest, forbidden, notFound, StatusError } from '../status-error.ts'
import { decode } from './decode.ts'
import { trackedCreate } from './tracking.ts'
import { validateObject } from './validate-object.ts'
import { type WriteOptions, writeOptions } from './write-options.ts'
import { present, written } from './written.ts'

export async function createObject(platform: Platform, target: Target, request: ApiRequest): Promise<ApiResponse> {
  const options = writeOptions(request)
  const given = parseObject(await request.body(), request.contentType)
  const { object, warnings } = decode(target.resource, given, options.fieldValidation)
  if (stringAt(object, 'metadata', 'resourceVersion')) {
    throw new StatusError(500, '', 'resourceVersion should not be set on objects to be created')
  }
  const prepared = prepareNew(platform, target, object, (filled) =>
    trackedCreate(platform, target.resource, filled, options),
  )
  return written(target.resource, storeNew(platform, target, prepared, options), { code: 201, warnings })
}

/** A decoded object as it will first be stored, complete and valid; `track` writes who owns what of it. */
export function prepareNew(
  platform: Platform,
  target: Target,
  object: JsonObject,
  track: (filled: JsonObject) => JsonObject,
): JsonObject {
  const { resource } = target
  const identified = withIdentity(platform, target, object)
  requireNamespace(platform, target, nameOf(identified))
  const context: KindContext = {
    now: platform.clock.now(),
    previous: undefined,
    subresource: '',
    siblings: () => platform.store.list(resource.storage),
  }
  const filled = track(present(resource, resource.rules.fillDefaults?.(identified) ?? identified))
  const complete = resource.rules.complete?.(filled, context) ?? filled
  validateObject(resource, complete, context)
  return complete
}

export function storeNew(platform: Platform, target: Target, object: JsonObject, options: WriteOptions): JsonObject {
  const { resource } = target
  const key = keyOf(target.namespace, nameOf(object))
  if (platform.store.get(resource.storage, key) !== undefined) {
    throw alreadyExists({ group: resource.group, kind: resource.plural, name: nameOf(object) })
  }
  return options.dryRun ? object : platform.store.put(resource.storage, key, object)
}

const serverFields = [
  'uid',
  'resourceVersion',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
  'generation',
]

function withIdentity(platform: Platform, target: Target, object: JsonObject): JsonObject {
  const { resource, namespace } = target
  const metadata = objectAt(object, 'metadata') ?? {}
  const given = stringAt(metadata, 'namespace')
  if (given !== undefined && given !== '' && given !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  const name = nameOf(object)
  if (target.name !== undefined && name !== '' && name !== target.name) {
    throw badRequest('the name of the object does not match the name on the URL')
  }
  const next = {
    ...without(metadata, ...serverFields, 'namespace'),
    ...compact({
      name: chooseName(platform, target, object),
      namespace,
      uid: randomUUID(),
      creationTimestamp: timestamp(platform.clock.now()),
      generation: resource.countsGeneration ? 1 : undefined,
    }),
  }
  const rest = resource.hasStatus ? withoutAt(object, ['status']) : object
  const status = resource.newStatus === undefined ? {} : { status: resource.newStatus }
  return { ...rest, metadata: next, ...status }
}

const letters = 'bcdfghjklmnpqrstvwxz2456789'
const suffix = (): string => Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('')

function chooseName(platform: Platform, target: Target, object: JsonObject): string | undefined {
  const name = nameOf(object)
  const prefix = stringAt(object, 'metadata', 'generateName') ?? ''
  if (name !== '' || prefix === '') return name === '' ? target.name : name
  const taken = (candidate: string): boolean =>
    platform.store.get(target.resource.storage, keyOf(target.namespace, candidate)) !== undefined
  let candidate = `${prefix.slice(0, 58)}${suffix()}`
  while (taken(candidate)) candidate = `${prefix.slice(0, 58)}${suffix()}`
  return candidate
}

function requireNamespace(platform: Platform, target: Target, name: string): void {
  if (!target.resource.namespaced || target.namespace === undefined) return
  const namespace = platform.store.get('/namespaces', target.namespace)
  if (namespace === undefined) throw notFound({ group: '', kind: 'namespaces', name: target.namespace })
  if (isDeleting(namespace)) refuseTerminating(target.resource, target.namespace, name)
}

function refuseTerminating(resource: ApiResource, namespace: string, name: string): never {
  throw forbidden(
    { group: resource.group, kind: resource.plural, name },
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  )
}
