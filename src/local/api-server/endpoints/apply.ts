import { parseYaml } from '../http/body.ts'
import type { ApiRequest, ApiResponse } from '../http/request.ts'
import { isObject, type JsonObject, objectAt, stringAt, withoutAt } from '../json.ts'
import { keyOf, nameOf, uidOf } from '../metadata.ts'
import type { NamedTarget, Platform } from '../platform.ts'
import { writeManagedFields } from '../server-side-apply/managed-fields.ts'
import { applyConfiguration, carriesManagedFields } from '../server-side-apply/track.ts'
import { badRequest, conflict } from '../status-error.ts'
import { prepareNew, storeNew } from './create.ts'
import { decode } from './decode.ts'
import { trackingOf } from './tracking.ts'
import { getStored, storeUpdate } from './update.ts'
import { type WriteOptions, writeOptions } from './write-options.ts'
import { present, written } from './written.ts'

interface Applying {
  readonly configuration: JsonObject
  readonly options: WriteOptions
}

/** Server-side apply: creates what is missing, else merges what this manager owns. */
export async function applyObject(platform: Platform, target: NamedTarget, request: ApiRequest): Promise<ApiResponse> {
  const options = writeOptions(request)
  const given = parseYaml(await request.body())
  if (!isObject(given)) throw badRequest('an apply patch is an object')
  checkConfiguration(given, target)
  const { object, warnings } = decodeConfiguration(target, given, options)
  const applying = { configuration: object, options }
  const exists = platform.store.get(target.resource.storage, keyOf(target.namespace, target.name)) !== undefined
  if (exists) return written(target.resource, applyToLive(platform, target, applying), { warnings })
  if (target.subresource !== '') getStored(platform, target)
  return written(target.resource, applyAsNew(platform, target, applying), { code: 201, warnings })
}

function checkConfiguration(given: JsonObject, target: NamedTarget): void {
  if (!stringAt(given, 'apiVersion') || !stringAt(given, 'kind')) {
    throw badRequest('an apply patch must have apiVersion and kind')
  }
  if (carriesManagedFields(given)) throw badRequest('metadata.managedFields must be nil')
  const name = nameOf(given)
  if (name !== '' && name !== target.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${target.name})`)
  }
}

/** Like any decoding, without the schema's defaults: a default is nobody's intent. */
function decodeConfiguration(target: NamedTarget, given: JsonObject, options: WriteOptions) {
  const { resource } = target
  const named = { ...given, metadata: { ...objectAt(given, 'metadata'), name: target.name } }
  const { object, warnings } = decode(resource, named, options.fieldValidation, { fillDefaults: false })
  const isMain = target.subresource === '' && resource.hasStatus
  return { object: isMain ? withoutAt(object, ['status']) : object, warnings }
}

function applyAsNew(platform: Platform, target: NamedTarget, { configuration, options }: Applying): JsonObject {
  if (uidOf(configuration) !== '') {
    const subject = { group: target.resource.group, kind: target.resource.plural, name: target.name }
    throw conflict(subject, `Precondition failed: UID in precondition: ${uidOf(configuration)}, UID in object meta: `)
  }
  const filled = decode(target.resource, configuration, 'Ignore').object
  const tracking = trackingOf(platform, target.resource, { options, operation: 'Apply', subresource: '' })
  const { entries } = applyConfiguration({}, configuration, { ...tracking, force: true })
  const prepared = prepareNew(platform, target, filled, (object) => writeManagedFields(object, entries))
  return storeNew(platform, target, prepared, options)
}

function applyToLive(platform: Platform, target: NamedTarget, { configuration, options }: Applying): JsonObject {
  const { resource, subresource } = target
  const current = getStored(platform, target)
  const tracking = trackingOf(platform, resource, { options, operation: 'Apply', subresource })
  const live = present(resource, current)
  const applied = applyConfiguration(live, configuration, { ...tracking, force: options.force })
  const { object } = decode(resource, applied.object, 'Ignore')
  return storeUpdate(platform, target, {
    wanted: object,
    current,
    dryRun: options.dryRun,
    track: (complete) => writeManagedFields(complete, applied.entries),
  })
}
