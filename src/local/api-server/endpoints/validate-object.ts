import { arrayAt, isObject, type JsonObject, objectAt, stringAt } from '../json.ts'
import type { ApiResource, KindContext } from '../kinds/resource.ts'
import { finalizersOf, isDeleting, nameOf, stringMap } from '../metadata.ts'
import {
  dns1123LabelError,
  dns1123SubdomainError,
  labelValueError,
  pathSegmentError,
  qualifiedNameError,
} from '../names.ts'
import { validateRules } from '../schema/cel.ts'
import { validateSchema } from '../schema/validate.ts'
import { type Cause, forbiddenField, invalid, invalidValue, required } from '../status-error.ts'

const MAX_ANNOTATIONS = 256 * 1024

/** Throws 422 with every violation: metadata, the kind's rules, and for custom resources schema and CEL. */
export function validateObject(resource: ApiResource, object: JsonObject, context: KindContext): void {
  const schema = resource.isCustom ? customCauses(resource, object, context.previous) : []
  const causes = [
    ...validateMetadata(resource, object, context.previous),
    ...(resource.rules.validate?.(object, context) ?? []),
    ...schema,
  ]
  if (causes.length > 0) throw invalid({ group: resource.group, kind: resource.kind, name: nameOf(object) }, causes)
}

const blocking = new Set([
  'FieldValueRequired',
  'FieldValueTypeInvalid',
  'FieldValueNotSupported',
  'FieldValueTooLong',
  'FieldValueTooMany',
])

const unchecked = invalidValue(
  '<nil>',
  null,
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
)

/** CEL sees only values of the right shape, so the schema comes first. */
function customCauses(resource: ApiResource, object: JsonObject, previous: JsonObject | undefined): readonly Cause[] {
  const causes = validateSchema(object, resource.schema)
  if (causes.some((cause) => blocking.has(cause.reason))) return [...causes, unchecked]
  return [...causes, ...validateRules(object, resource.schema, previous)]
}

function nameError(resource: ApiResource, name: string): string | undefined {
  if (!resource.isCustom && (resource.kind === 'Namespace' || resource.kind === 'Service'))
    return dns1123LabelError(name)
  if (resource.group === 'rbac.authorization.k8s.io') return pathSegmentError(name)
  return dns1123SubdomainError(name)
}

function validateMetadata(
  resource: ApiResource,
  object: JsonObject,
  previous: JsonObject | undefined,
): readonly Cause[] {
  const name = nameOf(object)
  const error = name === '' ? undefined : nameError(resource, name)
  const annotations = objectAt(object, 'metadata', 'annotations') ?? {}
  const size = Object.entries(annotations).reduce((sum, [key, value]) => sum + key.length + String(value).length, 0)
  return [
    ...(name === '' ? [required('metadata.name', 'name or generateName is required')] : []),
    ...(error === undefined ? [] : [invalidValue('metadata.name', name, error)]),
    ...validateLabels(object),
    ...Object.keys(annotations).flatMap((key) => keyCause('metadata.annotations', key)),
    ...(size > MAX_ANNOTATIONS
      ? [
          {
            reason: 'FieldValueTooLong',
            field: 'metadata.annotations',
            message: `Too long: may not be more than ${MAX_ANNOTATIONS} bytes`,
          },
        ]
      : []),
    ...validateOwners(object),
    ...validateFinalizers(object, previous),
  ]
}

function keyCause(field: string, key: string): readonly Cause[] {
  const error = qualifiedNameError(key.toLowerCase())
  return error === undefined ? [] : [invalidValue(field, key, error)]
}

function validateLabels(object: JsonObject): readonly Cause[] {
  return Object.entries(stringMap(objectAt(object, 'metadata', 'labels'))).flatMap(([key, value]) => {
    const error = labelValueError(value)
    return [
      ...keyCause('metadata.labels', key),
      ...(error === undefined ? [] : [invalidValue('metadata.labels', value, error)]),
    ]
  })
}

function validateOwners(object: JsonObject): readonly Cause[] {
  const owners = arrayAt(object, 'metadata', 'ownerReferences').filter(isObject)
  const controllers = owners.filter((owner) => owner.controller === true).length
  const path = 'metadata.ownerReferences'
  return [
    ...owners.flatMap((owner) =>
      ['apiVersion', 'kind', 'name', 'uid']
        .filter((field) => !stringAt(owner, field))
        .map((field) => invalidValue(`${path}.${field}`, '', 'must not be empty')),
    ),
    ...(controllers > 1 ? [invalidValue(path, owners, 'Only one reference can have Controller set to true')] : []),
  ]
}

function validateFinalizers(object: JsonObject, previous: JsonObject | undefined): readonly Cause[] {
  const finalizers = finalizersOf(object)
  const bad = finalizers.flatMap((finalizer) => keyCause('metadata.finalizers', finalizer))
  if (previous === undefined || !isDeleting(previous)) return bad
  const before = new Set(finalizersOf(previous))
  const added = finalizers.filter((finalizer) => !before.has(finalizer))
  if (added.length === 0) return bad
  const list = added.map((one) => `"${one}"`).join(', ')
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`
  return [...bad, forbiddenField('metadata.finalizers', why)]
}
