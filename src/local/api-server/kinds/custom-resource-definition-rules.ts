import { arrayAt, at, isObject, type JsonObject, objectAt, stringAt } from '../json.ts'
import { parseJsonPath } from '../json-path.ts'
import { nameOf } from '../metadata.ts'
import { dns1035LabelError, dns1123SubdomainError } from '../names.ts'
import { validateStructural } from '../schema/structural.ts'
import { type Cause, invalidValue, required, unsupportedValue } from '../status-error.ts'
import { fill, mapAt } from './fill.ts'
import type { KindRules } from './resource.ts'

function complete(definition: JsonObject): JsonObject {
  const kind = stringAt(definition, 'spec', 'names', 'kind') ?? ''
  const named = mapAt(definition, ['spec', 'names'], (names) =>
    fill(names, { singular: kind.toLowerCase(), listKind: `${kind}List` }),
  )
  return mapAt(named, ['spec'], (spec) => fill(spec, { conversion: { strategy: 'None' } }))
}

function validate(definition: JsonObject): readonly Cause[] {
  const group = stringAt(definition, 'spec', 'group') ?? ''
  const plural = stringAt(definition, 'spec', 'names', 'plural') ?? ''
  const scope = stringAt(definition, 'spec', 'scope') ?? ''
  const expected = `${plural}.${group}`
  const groupError = dns1123SubdomainError(group)
  const pluralError = dns1035LabelError(plural)
  const strategy = stringAt(definition, 'spec', 'conversion', 'strategy')
  return [
    ...(groupError === undefined ? [] : [invalidValue('spec.group', group, groupError)]),
    ...(pluralError === undefined ? [] : [invalidValue('spec.names.plural', plural, pluralError)]),
    ...(stringAt(definition, 'spec', 'names', 'kind') ? [] : [required('spec.names.kind')]),
    ...(['Cluster', 'Namespaced'].includes(scope)
      ? []
      : [unsupportedValue('spec.scope', scope, ['Cluster', 'Namespaced'])]),
    ...(nameOf(definition) === expected
      ? []
      : [invalidValue('metadata.name', nameOf(definition), 'must be spec.names.plural+"."+spec.group')]),
    ...(strategy === 'None'
      ? []
      : [invalidValue('spec.conversion.strategy', strategy, 'this platform converts between versions by None only')]),
    ...validateVersions(definition),
  ]
}

function validateVersions(definition: JsonObject): readonly Cause[] {
  const versions = arrayAt(definition, 'spec', 'versions').filter(isObject)
  const storing = versions.filter((version) => at(version, 'storage') === true).length
  return [
    ...(versions.length === 0 ? [required('spec.versions', 'must have at least one version')] : []),
    ...(storing === 1 || versions.length === 0
      ? []
      : [invalidValue('spec.versions', storing, 'must have exactly one version marked as storage version')]),
    ...versions.flatMap((version, index) => {
      const path = `spec.versions[${index}]`
      // Kubernetes folds a schema that all versions share into one place, and names that.
      const schemaPath = versions.length === 1 ? 'spec.validation.openAPIV3Schema' : `${path}.schema.openAPIV3Schema`
      return validateVersion(version, path, schemaPath)
    }),
  ]
}

function validateVersion(version: JsonObject, path: string, schemaPath: string): readonly Cause[] {
  const schema = objectAt(version, 'schema', 'openAPIV3Schema')
  const columns = arrayAt(version, 'additionalPrinterColumns').filter(isObject)
  const badColumns = columns.flatMap((column, index) => {
    const text = stringAt(column, 'jsonPath') ?? ''
    const field = `${path}.additionalPrinterColumns[${index}].jsonPath`
    return parseJsonPath(text) === undefined ? [invalidValue(field, text, 'is an invalid JSONPath')] : []
  })
  if (schema === undefined) return [required(`${path}.schema.openAPIV3Schema`), ...badColumns]
  return [...badColumns, ...validateStructural(schema, schemaPath)]
}

export const customResourceDefinitionRules: KindRules = {
  fillDefaults: complete,
  validate: (definition) => validate(definition),
}
