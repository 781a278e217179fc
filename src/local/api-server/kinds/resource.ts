import type { JsonObject } from '../json.ts'
import type { TypeSchema } from '../schema/type-schema.ts'
import type { Cause } from '../status-error.ts'

export interface PrinterColumn {
  readonly name: string
  readonly type: string
  readonly format?: string
  readonly description?: string
  readonly priority?: number
  /** Text of the cell; columns of CRDs have a JSONPath instead. */
  readonly jsonPath: string
}

export interface ScalePaths {
  readonly specReplicasPath: string
  readonly statusReplicasPath: string
  readonly labelSelectorPath?: string
}

/** What the rules of a kind may know beside the object. */
export interface KindContext {
  readonly now: number
  /** Undefined on create. */
  readonly previous: JsonObject | undefined
  readonly subresource: string
  /** Other objects of the same resource, for allocations. */
  readonly siblings: () => readonly JsonObject[]
}

/** The rules of one kind beyond its schema. */
export interface KindRules {
  /** Fills defaults as decoding does: the writer owns them in managedFields. */
  readonly fillDefaults?: (object: JsonObject) => JsonObject
  /** Fills what admission and allocation fill: nobody's intent, so nobody owns it. */
  readonly complete?: (object: JsonObject, context: KindContext) => JsonObject
  readonly validate?: (object: JsonObject, context: KindContext) => readonly Cause[]
}

/** A resource as it is served in one version. */
export interface ApiResource {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly listKind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  /** `group/plural`, shared by all versions. */
  readonly storage: string
  readonly schema: TypeSchema
  readonly isCustom: boolean
  readonly hasStatus: boolean
  /** What a new object's status is; undefined where there is none. */
  readonly newStatus: JsonObject | undefined
  readonly scale: ScalePaths | undefined
  readonly countsGeneration: boolean
  readonly fieldSelectors: readonly string[]
  readonly columns: readonly PrinterColumn[] | undefined
  readonly rules: KindRules
}

export const groupVersionOf = (resource: { readonly group: string; readonly version: string }): string =>
  resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
