import { arrayAt, at, compact, isObject, type JsonObject, numberAt, objectAt, stringAt } from '../json.ts'
import { strings } from '../metadata.ts'
import { objectMetaSchema } from '../schema/builtin-schema.ts'
import type { TypeSchema } from '../schema/type-schema.ts'
import type { ApiResource, PrinterColumn, ScalePaths } from './resource.ts'

/** The resources of a CustomResourceDefinition, one for each served version; none before its names are accepted. */
export function resourcesOfDefinition(definition: JsonObject): readonly ApiResource[] {
  if (!hasCondition(definition, 'Established')) return []
  const versions = arrayAt(definition, 'spec', 'versions').filter(isObject)
  return versions.filter((version) => at(version, 'served') === true).map((version) => toResource(definition, version))
}

export const hasCondition = (object: JsonObject, type: string): boolean =>
  arrayAt(object, 'status', 'conditions').some(
    (condition) => stringAt(condition, 'type') === type && stringAt(condition, 'status') === 'True',
  )

function toResource(definition: JsonObject, version: JsonObject): ApiResource {
  const group = stringAt(definition, 'spec', 'group') ?? ''
  const names = objectAt(definition, 'spec', 'names') ?? {}
  const kind = stringAt(names, 'kind') ?? ''
  const plural = stringAt(names, 'plural') ?? ''
  return {
    group,
    version: stringAt(version, 'name') ?? '',
    kind,
    listKind: stringAt(names, 'listKind') ?? `${kind}List`,
    plural,
    singular: stringAt(names, 'singular') ?? kind.toLowerCase(),
    shortNames: strings(names.shortNames),
    categories: strings(names.categories),
    namespaced: stringAt(definition, 'spec', 'scope') === 'Namespaced',
    storage: `${group}/${plural}`,
    schema: schemaOf(version),
    isCustom: true,
    hasStatus: objectAt(version, 'subresources', 'status') !== undefined,
    newStatus: undefined,
    scale: scaleOf(objectAt(version, 'subresources', 'scale')),
    countsGeneration: true,
    fieldSelectors: arrayAt(version, 'selectableFields').map((one) => (stringAt(one, 'jsonPath') ?? '').slice(1)),
    columns: columnsOf(version),
    rules: {},
  }
}

/** The version's schema with the fields that every object has. */
function schemaOf(version: JsonObject): TypeSchema {
  // Checked as structural when the definition was written.
  const declared = (objectAt(version, 'schema', 'openAPIV3Schema') ?? { type: 'object' }) as TypeSchema
  return {
    ...declared,
    properties: {
      ...declared.properties,
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: objectMetaSchema(),
    },
  }
}

function scaleOf(scale: JsonObject | undefined): ScalePaths | undefined {
  if (scale === undefined) return undefined
  const labelSelectorPath = stringAt(scale, 'labelSelectorPath')
  return {
    specReplicasPath: stringAt(scale, 'specReplicasPath') ?? '.spec.replicas',
    statusReplicasPath: stringAt(scale, 'statusReplicasPath') ?? '.status.replicas',
    ...(labelSelectorPath === undefined ? {} : { labelSelectorPath }),
  }
}

function columnsOf(version: JsonObject): readonly PrinterColumn[] {
  return arrayAt(version, 'additionalPrinterColumns')
    .filter(isObject)
    .map((column) => ({
      name: stringAt(column, 'name') ?? '',
      type: stringAt(column, 'type') ?? 'string',
      format: stringAt(column, 'format') ?? '',
      description: stringAt(column, 'description') ?? '',
      priority: numberAt(column, 'priority') ?? 0,
      jsonPath: stringAt(column, 'jsonPath') ?? '',
    }))
}

/** Status of a definition: names taken, and served from now on unless another definition has them. */
export function establish(definition: JsonObject, others: readonly JsonObject[], time: string): JsonObject {
  const clash = nameClash(definition, others)
  const accepted = clash === undefined
  const condition = (type: string, status: boolean, reason: string, message: string): JsonObject => {
    const old = arrayAt(definition, 'status', 'conditions').find((one) => stringAt(one, 'type') === type)
    const word = status ? 'True' : 'False'
    const since = stringAt(old, 'status') === word ? stringAt(old, 'lastTransitionTime') : undefined
    return { type, status: word, lastTransitionTime: since ?? time, reason, message }
  }
  const conditions = [
    accepted
      ? condition('NamesAccepted', true, 'NoConflicts', 'no conflicts found')
      : condition('NamesAccepted', false, 'NamesConflict', clash),
    accepted
      ? condition('Established', true, 'InitialNamesAccepted', 'the initial names have been accepted')
      : condition('Established', false, 'NotAccepted', 'not all names are accepted'),
  ]
  const stored = arrayAt(definition, 'spec', 'versions')
    .filter((version) => at(version, 'storage') === true)
    .map((version) => stringAt(version, 'name') ?? '')
  const storedVersions = [...new Set([...strings(at(definition, 'status', 'storedVersions')), ...stored])]
  const acceptedNames = accepted ? (objectAt(definition, 'spec', 'names') ?? {}) : { plural: '', kind: '' }
  return { ...definition, status: compact({ conditions, acceptedNames, storedVersions }) }
}

function nameClash(definition: JsonObject, others: readonly JsonObject[]): string | undefined {
  const names = (object: JsonObject): readonly string[] => {
    const spec = objectAt(object, 'spec', 'names')
    return [
      ...['plural', 'singular'].map((key) => stringAt(spec, key) ?? ''),
      ...strings(spec?.shortNames),
      `kind ${stringAt(spec, 'kind')}`,
    ]
  }
  const group = stringAt(definition, 'spec', 'group')
  const uid = stringAt(definition, 'metadata', 'uid')
  const taken = new Set(
    others
      .filter((other) => stringAt(other, 'spec', 'group') === group && stringAt(other, 'metadata', 'uid') !== uid)
      .filter((other) => hasCondition(other, 'NamesAccepted'))
      .flatMap(names),
  )
  const clash = names(definition).find((name) => taken.has(name))
  return clash === undefined ? undefined : `${JSON.stringify(clash)} is already in use`
}
