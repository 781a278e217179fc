import { isObject, type JsonObject, objectAt, stringAt, withoutAt } from '../json.ts'
import { type ApiResource, groupVersionOf } from '../kinds/resource.ts'
import { objectMetaSchema } from '../schema/builtin-schema.ts'
import { canonicalForm } from '../schema/canonical-form.ts'
import { applyDefaults } from '../schema/default.ts'
import { prune } from '../schema/prune.ts'
import { findTypeError } from '../schema/type-check.ts'
import { badRequest } from '../status-error.ts'

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'

export interface Decoded {
  readonly object: JsonObject
  readonly warnings: readonly string[]
}

/** The object as its kind: types checked, unknown fields dropped or refused, schema defaults filled. */
export function decode(
  resource: ApiResource,
  given: JsonObject,
  validation: FieldValidation,
  { fillDefaults }: { readonly fillDefaults: boolean } = { fillDefaults: true },
): Decoded {
  checkIdentity(resource, given)
  const cleaned = resource.isCustom ? withoutNullMetadata(given) : given
  const schema = resource.isCustom ? { type: 'object', properties: { metadata: objectMetaSchema() } } : resource.schema
  const error = findTypeError(cleaned, schema)
  if (error !== undefined) {
    throw badRequest(
      `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${error}`,
    )
  }
  const pruned = prune(cleaned, resource.schema)
  const dropped = resource.isCustom ? pruned.dropped.toSorted() : pruned.dropped
  const unknown = dropped.map((path) => `unknown field "${path}"`)
  if (unknown.length > 0 && validation === 'Strict') throw badRequest(strictError(resource, unknown))
  const { value } = pruned
  if (!isObject(value)) throw badRequest('the request body is not an object')
  return { object: complete(resource, value, fillDefaults), warnings: validation === 'Warn' ? unknown : [] }
}

function versionError(resource: ApiResource, apiVersion: string, kind: string): string {
  if (resource.isCustom) {
    return `the API version in the data (${apiVersion}) does not match the expected API version (${groupVersionOf(resource)})`
  }
  const why = `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:111"`
  return `${kind} in version "${apiVersion}" cannot be handled as a ${resource.kind}: ${why}`
}

function complete(resource: ApiResource, object: JsonObject, fillDefaults: boolean): JsonObject {
  if (!resource.isCustom) return canonicalForm(object, resource.schema)
  const filled = fillDefaults ? applyDefaults(object, resource.schema) : object
  return isObject(filled) ? filled : object
}

function strictError({ kind, version }: ApiResource, unknown: readonly string[]): string {
  const why = `strict decoding error: ${unknown.join(', ')}`
  return `${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`
}

function checkIdentity(resource: ApiResource, given: JsonObject): void {
  const expected = groupVersionOf(resource)
  const apiVersion = stringAt(given, 'apiVersion') ?? expected
  const kind = stringAt(given, 'kind') ?? resource.kind
  if (apiVersion !== expected) {
    throw badRequest(versionError(resource, apiVersion, kind))
  }
  if (kind !== resource.kind) {
    throw badRequest(
      `${kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: the kind in the data does not match`,
    )
  }
}

function withoutNullMetadata(object: JsonObject): JsonObject {
  const metadata = objectAt(object, 'metadata')
  if (metadata === undefined) return withoutAt(object, ['metadata'])
  return { ...object, metadata: canonicalForm(metadata, objectMetaSchema()) }
}
